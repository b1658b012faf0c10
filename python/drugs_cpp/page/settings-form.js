import { byId } from "./dom.js";
import { choose, onWholeNumber, showIn } from "./fields.js";
import { DOSE_INPUTS, MAX_COUNT, MAX_N, MAX_SEED } from "./settings.js";

const CHOICES = ["angle", "turn", "layers"];

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
    byId("dice").addEventListener("click", () => settings.change({ seed: freshSeed() }));
    byId("dose-inputs").addEventListener("change", ({ target }) => {
      settings.change({ doseInputs: DOSE_INPUTS.find((choice) => String(choice) === target.value) });
    });
    byId("system").addEventListener("input", ({ target }) => settings.change({ system: target.value }));
    for (const name of ["noise", "view", ...CHOICES]) {
      byId(name).addEventListener("change", ({ target }) => settings.change({ [name]: target.value }));
    }
  }

  #number(id, name, least, most) {
    onWholeNumber(id, least, most, (value) => this.#settings.change({ [name]: value }), () => this.#update());
  }

  #update() {
    const { seed, soberInterval, length, n, doseInputs, system, noise, view } = this.#settings.values;
    for (const [id, value] of Object.entries({ seed, "sober-interval": soberInterval, length, n, system })) {
      showIn(byId(id), value);
    }
    CHOICES.forEach((name) => choose(byId(name), this.#settings.values[name]));
    choose(byId("dose-inputs"), doseInputs);
    byId("noise").querySelector(`[value=${noise}]`).checked = true;
    byId("view").querySelector(`[value=${view}]`).checked = true;
    byId("n-field").hidden = view !== "variations";
  }
}

const freshSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 10000; // short enough to say aloud
