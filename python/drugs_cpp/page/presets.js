import { byId, element } from "./dom.js";
import { DEFAULTS } from "./settings.js";

/** Settings that change what an angle does: an effect is that of the usual ones. */
const USUAL = ["shapes", "noise", "hold", "layers", "course", "angle", "turn", "apart"];

const SOURCES = {
  calibrated: "measured with this file",
  table: "measured with this file",
  estimated: "estimated from other models; `drugs-lab titrate` measures it",
};

/** Buttons that set the doses: none, or by their effect on the model. */
export class Presets {
  #settings;
  /** @type {{button: HTMLElement, doses: Record<string, number>}[]} */
  #presets = [];

  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.#update());
  }

  /** Whether the doses are those of one of the buttons. */
  get isOneChosen() {
    return this.#presets.some(({ doses }) => this.#isChosen(doses));
  }

  /** @param {Record<string, {nats: number, doses: Record<string, number>, source: string}>} effects by name, as the server has them */
  show(effects) {
    this.#presets = [
      this.#preset("Sober", "No dose: the model as it is", {}),
      ...Object.entries(effects).map(([name, { nats, doses, source }]) => this.#preset(capital(name),
        `Moves the probabilities of the next token by ${nats} nats on average: ${SOURCES[source] ?? source}`, rounded(doses))),
    ];
    byId("presets").replaceChildren(...this.#presets.map(({ button }) => button));
    this.#update();
  }

  #preset(name, title, doses) {
    const usual = Object.fromEntries(USUAL.map((setting) => [setting, DEFAULTS[setting]]));
    return { doses, button: element("button", { type: "button", title, onclick: () => this.#settings.change({ ...usual, doses }) }, name) };
  }

  #update() {
    this.#presets.forEach(({ button, doses }) => button.setAttribute("aria-pressed", String(this.#isChosen(doses))));
  }

  #isChosen(doses) {
    const { values } = this.#settings;
    const given = Object.entries(values.doses).filter(([, angle]) => angle > 0);
    const isSame = given.length === Object.keys(doses).length && given.every(([site, angle]) => doses[site] === angle);
    return isSame && (given.length === 0 || USUAL.every((name) => isUsual(name, values)));
  }
}

const isUsual = (name, values) => (name === "shapes" ? Object.keys(values.shapes).length === 0 : values[name] === DEFAULTS[name]);

const capital = (name) => name[0].toUpperCase() + name.slice(1);

/** As the fields show them. */
export const rounded = (doses) => Object.fromEntries(Object.entries(doses).map(([site, angle]) => [site, Number(angle.toPrecision(4))]));
