import { drawing, element } from "./dom.js";
import { ProfileEditor, miniature } from "./profile-editor.js";

const USUAL_MAX = 1; // radians; a larger dose can still be typed, and is warned of
const HALF_TURN = 3.14159; // radians: the server takes no more
const STEP = 0.005;

/** Slider, number and profile of one site. */
export class DoseControl {
  #name;
  #nLayer;
  #slider;
  #number;
  #editor;
  #open;
  #warning = element("p", { class: "quiet warning", hidden: true }, "Above 1 radian most models write nonsense.");
  #line = drawing("polyline", { "vector-effect": "non-scaling-stroke" });

  /**
   * @param {{name: string, title: string, explanation: string}} site
   * @param {{dose_max: number | null, n_layer: number}} limits
   * @param {import("./settings.js").Settings} settings
   */
  constructor({ name, title, explanation }, limits, settings) {
    this.#name = name;
    this.#nLayer = limits.n_layer;
    const help = `help-${name}`;
    const most = Math.min(limits.dose_max ?? HALF_TURN, HALF_TURN);
    const set = (text) => settings.setDose(name, Math.min(Math.max(Number(text) || 0, 0), most));
    const common = { min: 0, "aria-describedby": help, title: explanation, oninput: ({ target }) => set(target.value) };
    this.#slider = element("input", { ...common, type: "range", step: STEP, max: Math.min(limits.dose_max ?? USUAL_MAX, HALF_TURN), id: `dose-${name}`,
      "aria-label": `Dose at ${name}, ${title}` });
    this.#number = element("input", { ...common, type: "number", step: STEP, max: most, inputmode: "decimal",
      "aria-label": `Dose at ${name} in radians`, onchange: () => this.update(settings.values) });
    this.#editor = new ProfileEditor(name, limits.n_layer, (shape) => settings.setShape(name, shape));
    this.#editor.node.id = `profile-${name}`;
    this.#open = element("button", { type: "button", class: "icon", title: `Profile of ${name}: how much of the dose each layer gets`,
      "aria-label": `Profile of ${name}`, "aria-controls": this.#editor.node.id, onclick: () => this.#toggle() },
    drawing("svg", { viewBox: "-0.05 -0.05 1.1 1.1", preserveAspectRatio: "none", "aria-hidden": "true" }, this.#line));
    const explained = element("p", { id: help, class: "quiet explanation" }, explanation);
    this.node = element("div", { class: "site" },
      element("label", { for: `dose-${name}`, title: explanation }, element("b", {}, name), " ", element("span", { class: "quiet" }, title)),
      this.#number, this.#open, this.#slider, this.#warning, explained, this.#editor.node);
    this.#show(false);
  }

  update({ doses, shapes }) {
    const theta = doses[this.#name] ?? 0;
    const shape = shapes[this.#name];
    this.#slider.value = theta;
    this.#slider.style.setProperty("--share", theta / Number(this.#slider.max));
    if (Number(this.#number.value) !== theta || document.activeElement !== this.#number) {
      this.#number.value = theta;
    }
    this.node.classList.toggle("dosed", theta > 0);
    this.#warning.hidden = theta <= USUAL_MAX;
    this.#line.setAttribute("points", miniature(shape, this.#nLayer));
    this.#open.classList.toggle("shaped", shape !== undefined);
    this.#editor.show(shape);
  }

  #toggle() {
    this.#show(this.#open.getAttribute("aria-expanded") !== "true");
  }

  #show(isOpen) {
    this.#open.setAttribute("aria-expanded", String(isOpen));
    this.node.classList.toggle("open", isOpen);
    this.#editor.node.hidden = !isOpen;
  }
}
