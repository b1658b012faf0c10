import { byId } from "./dom.js";
import { choose, onWholeNumber, showIn } from "./fields.js";
import { holdsInWords } from "./others.js";
import { MAX_COUNT } from "./settings.js";

const LEAST = 2; // one token is the choice "fresh"
const FIRST = 8;

/** For how many tokens angle and direction stay: one choice for all sites. A hold by site stays until another one is chosen. */
export class HoldField {
  #settings;

  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.#update());
    byId("hold").addEventListener("change", ({ target }) => this.#choose(target.value));
    onWholeNumber("hold-n", LEAST, MAX_COUNT, (hold) => settings.change({ hold }), () => this.#update());
  }

  #choose(kind) {
    const hold = { fresh: 1, n: FIRST, text: "text" }[kind];
    if (hold !== undefined) {
      this.#settings.change({ hold });
    }
  }

  #update() {
    const { hold } = this.#settings.values;
    const kind = kindOf(hold);
    const bySite = byId("hold").querySelector("[value=sites]");
    bySite.hidden = kind !== "sites";
    bySite.textContent = kind === "sites" ? `by site: ${holdsInWords(hold)}` : "by site";
    choose(byId("hold"), kind);
    byId("hold-n").hidden = kind !== "n";
    if (kind === "n") {
      showIn(byId("hold-n"), hold);
    }
  }
}

function kindOf(hold) {
  if (typeof hold === "object") {
    return "sites";
  }
  return { 1: "fresh", text: "text" }[hold] ?? "n";
}
