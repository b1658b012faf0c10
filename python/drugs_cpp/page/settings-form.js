import { byId } from "./dom.js";
import { MAX_N, MAX_SEED } from "./settings.js";

/** The fields beside the doses: seed, noise, view and what is under "More". */
export class SettingsForm {
  #settings;

  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.#update());
    this.#number("seed", "seed", 0, MAX_SEED);
    this.#number("sober-interval", "soberInterval", 1, 2 ** 31 - 1);
    this.#number("length", "length", 1, 2 ** 31 - 1);
    this.#number("n", "n", 2, MAX_N);
    byId("dice").addEventListener("click", () => settings.change({ seed: freshSeed() }));
    byId("inputs").addEventListener("change", ({ target }) => settings.change({ inputs: target.checked }));
    byId("system").addEventListener("input", ({ target }) => settings.change({ system: target.value }));
    byId("noise").addEventListener("change", ({ target }) => settings.change({ noise: target.value }));
    byId("view").addEventListener("change", ({ target }) => settings.change({ view: target.value }));
  }

  // what is no whole number between the two is not taken, and goes away with the focus
  #number(id, name, least, most) {
    byId(id).addEventListener("input", ({ target }) => {
      const value = target.valueAsNumber;
      if (Number.isInteger(value) && value >= least && value <= most) {
        this.#settings.change({ [name]: value });
      }
    });
    byId(id).addEventListener("change", () => this.#update());
  }

  #update() {
    const { seed, soberInterval, length, n, inputs, system, noise, view } = this.#settings.values;
    for (const [id, value] of Object.entries({ seed, "sober-interval": soberInterval, length, n, system })) {
      showIn(byId(id), value);
    }
    byId("inputs").checked = inputs;
    byId("noise").querySelector(`[value=${noise}]`).checked = true;
    byId("view").querySelector(`[value=${view}]`).checked = true;
    byId("n-field").hidden = view !== "variations";
  }
}

// where the user is typing, what means the same is left as it is
function showIn(field, value) {
  if (field.value !== String(value) && !(field.type === "number" && field === document.activeElement && field.valueAsNumber === value)) {
    field.value = value;
  }
}

const freshSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 10000; // short enough to be told to somebody
