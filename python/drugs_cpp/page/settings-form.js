import { byId } from "./dom.js";
import { MAX_N, MAX_SEED } from "./settings.js";

/** All fields but the doses: seed, view, and those under "More". */
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
    byId("dose-inputs").addEventListener("change", ({ target }) => settings.change({ doseInputs: target.checked }));
    byId("system").addEventListener("input", ({ target }) => settings.change({ system: target.value }));
    byId("noise").addEventListener("change", ({ target }) => settings.change({ noise: target.value }));
    byId("view").addEventListener("change", ({ target }) => settings.change({ view: target.value }));
  }

  // a value that is not a whole number between the two is ignored, and replaced when the field loses its focus
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
    const { seed, soberInterval, length, n, doseInputs, system, noise, view } = this.#settings.values;
    for (const [id, value] of Object.entries({ seed, "sober-interval": soberInterval, length, n, system })) {
      showIn(byId(id), value);
    }
    byId("dose-inputs").checked = doseInputs;
    byId("noise").querySelector(`[value=${noise}]`).checked = true;
    byId("view").querySelector(`[value=${view}]`).checked = true;
    byId("n-field").hidden = view !== "variations";
  }
}

// does not change what the user is typing if it means the same value
function showIn(field, value) {
  if (field.value !== String(value) && !(field.type === "number" && field === document.activeElement && field.valueAsNumber === value)) {
    field.value = value;
  }
}

const freshSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 10000; // short enough to say aloud
