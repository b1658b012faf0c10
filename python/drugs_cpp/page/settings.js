/**
 * @typedef {{depth: number, peakratio: number}} Point
 * @typedef {{points: Point[], mode: string}} Shape
 * @typedef {number | "text" | Record<string, number | "text">} Hold tokens, or the whole text; for all sites or by site
 */

export const VIEWS = ["chat", "side", "variations"];
export const NOISES = ["isotropic", "reference"];
export const ANGLES = ["uniform", "half-normal", "fixed"];
export const TURNS = ["rotation", "addition", "nlerp", "elementwise"];
export const LAYERS = ["own", "shared"];
export const DOSE_INPUTS = [false, "last", true];
export const MODES = ["interpolate", "ceil", "floor"];
export const MAX_POINTS = 1000; // of a shape or a course
export const MESSAGES_AS = ["", "chat", "text"]; // "": a chat if the model has a template for one
export const MAX_COUNT = 2 ** 31 - 1; // of tokens
export const MAX_N = 64;
export const MAX_SEED = 2 ** 32 - 2; // for the server, the next number means "draw one"

/** The usual value of each setting, which an address leaves out. */
export const DEFAULTS = Object.freeze({
  model: "",
  doses: {},
  shapes: {},
  seed: 3,
  noise: "isotropic",
  /** @type {Hold} */
  hold: 1,
  layers: "own",
  /** @type {import("./course.js").Course | null} */
  course: null,
  angle: "uniform",
  turn: "rotation",
  apart: 0,
  doseInputs: false,
  soberInterval: 420,
  length: 160,
  /** 0: the most likely token every time, and the other samplers have no effect */
  temperature: 0,
  topP: 1,
  minP: 0,
  topK: 0,
  system: "",
  messagesAs: "",
  view: "side",
  /** whether Markdown is rendered; null: in the view "chat" */
  isFormatted: /** @type {boolean | null} */ (null),
  n: 3,
  prompt: "",
});

/** Everything the user has set, and the listeners to its changes. */
export class Settings {
  #values = { ...DEFAULTS };
  #listeners = [];

  get values() {
    return this.#values;
  }

  /** @param {Partial<typeof DEFAULTS>} values */
  change(values) {
    this.#values = { ...this.#values, ...values };
    this.#listeners.forEach((listener) => listener(this.#values));
  }

  setDose(site, theta) {
    this.change({ doses: { ...this.#values.doses, [site]: theta } });
  }

  /** @param {Shape | undefined} shape undefined is the full dose at every depth */
  setShape(site, shape) {
    const { [site]: _, ...others } = this.#values.shapes;
    this.change({ shapes: shape ? { ...others, [site]: shape } : others });
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }
}
