import { byId } from "./dom.js";
import { choose, onNumber, onWholeNumber, showIn } from "./fields.js";
import { freshSeed } from "./seed.js";
import { DOSE_INPUTS, MAX_COUNT, MAX_N, MAX_SEED } from "./settings.js";

const CHOICES = ["angle", "turn", "layers"];

/** The fields of samplers: the name of the setting, the least and the most that it can be. */
const SAMPLERS = { temperature: ["temperature", 0, 10], "top-p": ["topP", 0, 1], "min-p": ["minP", 0, 1] };

/** The fields that stand for one setting each, but the doses. */
export class SettingsForm {
  #settings;

  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.#update());
    this.#number("seed", "seed", 0, MAX_SEED);
    this.#number("sober-interval", "soberInterval", 1, MAX_COUNT);
    this.#number("length", "length", 1, MAX_COUNT);
    this.#number("n", "n", 2, MAX_N);
    this.#number("top-k", "topK", 0, MAX_COUNT);
    for (const [id, [name, least, most]] of Object.entries(SAMPLERS)) {
      onNumber(id, least, most, (value) => settings.change({ [name]: value }), () => this.#update());
    }
    byId("dice").addEventListener("click", () => settings.change({ seed: freshSeed() }));
    byId("dose-inputs").addEventListener("change", ({ target }) => {
      settings.change({ doseInputs: DOSE_INPUTS.find((choice) => String(choice) === target.value) });
    });
    byId("messages-as").addEventListener("change", ({ target }) => settings.change({ messagesAs: target.value }));
    byId("system").addEventListener("input", ({ target }) => settings.change({ system: target.value }));
    for (const name of ["noise", "view", ...CHOICES]) {
      byId(name).addEventListener("change", ({ target }) => settings.change({ [name]: target.value }));
    }
  }

  #number(id, name, least, most) {
    onWholeNumber(id, least, most, (value) => this.#settings.change({ [name]: value }), () => this.#update());
  }

  #update() {
    const { seed, soberInterval, length, n, doseInputs, system, noise, view, topK, messagesAs } = this.#settings.values;
    for (const [id, value] of Object.entries({ seed, "sober-interval": soberInterval, length, n, system, "top-k": topK })) {
      showIn(byId(id), value);
    }
    for (const [id, [name]] of Object.entries(SAMPLERS)) {
      showIn(byId(id), this.#settings.values[name]);
    }
    choose(byId("messages-as"), messagesAs);
    CHOICES.forEach((name) => choose(byId(name), this.#settings.values[name]));
    choose(byId("dose-inputs"), doseInputs);
    byId("noise").querySelector(`[value=${noise}]`).checked = true;
    byId("view").querySelector(`[value=${view}]`).checked = true;
    byId("n-field").hidden = view !== "variations";
  }
}
