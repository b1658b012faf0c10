import { drawing, element } from "./dom.js";
import { ratiosOfLayers, rounded, withPoint, withPointInGap, withPointMoved, withoutPoint } from "./profile.js";
import { MODES } from "./settings.js";

const WIDTH = 280;
const HEIGHT = 132;
const MARGIN = { left: 26, right: 10, top: 10, bottom: 20 };
const MAX_RATIO = 1.5;
const STEP = 0.05;
const FINE_STEP = 0.01;

const plotWidth = WIDTH - MARGIN.left - MARGIN.right;
const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
const xOf = (depth) => MARGIN.left + depth * plotWidth;
const yOf = (ratio) => MARGIN.top + (1 - Math.min(ratio, MAX_RATIO) / MAX_RATIO) * plotHeight;
const within = (value, most) => rounded(Math.min(Math.max(value, 0), most));

/** Draws a site's share of the dose by depth, to be changed by mouse, touch and keyboard. */
export class ProfileEditor {
  #site;
  #nLayer;
  #shape;
  #selected = -1;
  #lastPressesHeld = [false, false]; // whether they were on a point
  #onChange;
  #layers = drawing("g", { class: "layers" });
  #line = drawing("polyline", { class: "line" });
  #points = drawing("g");
  #mode;
  #delete = element("button", { type: "button", onclick: () => this.#remove() }, "Delete point");
  #full = element("button", { type: "button", onclick: () => this.#set(undefined, -1) }, "Full dose");

  /** @param {(shape: import("./settings.js").Shape | undefined) => void} onChange */
  constructor(site, nLayer, onChange) {
    this.#site = site;
    this.#nLayer = nLayer;
    this.#onChange = onChange;
    this.#mode = element("select", { "aria-label": `How ${site} goes between two points`, onchange: () => this.#changeMode() },
      ...MODES.map((mode) => element("option", {}, mode)));
    this.node = element("div", { class: "profile" },
      this.#drawing(),
      element("div", { class: "actions" },
        this.#mode,
        element("button", { type: "button", onclick: () => this.#add() }, "Add point"),
        this.#delete,
        this.#full),
      element("p", { class: "quiet" }, "Click to add a point, drag it, double-click to delete it. Keys: arrows, Shift for fine steps, Delete."));
  }

  #drawing() {
    this.svg = drawing("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "plot", role: "group",
      "aria-label": `Share of the dose at ${this.#site} by depth`, onpointerdown: (event) => this.#press(event) },
    ...this.#axes(), this.#layers, this.#line, this.#points);
    return this.svg;
  }

  #axes() {
    const label = (x, y, anchor, text) => drawing("text", { x, y, "text-anchor": anchor }, text);
    const rule = (ratio) => drawing("line", { class: "rule", x1: xOf(0), x2: xOf(1), y1: yOf(ratio), y2: yOf(ratio) });
    const area = drawing("rect", { class: "area", x: xOf(0), y: yOf(MAX_RATIO), width: plotWidth, height: plotHeight });
    return [area, rule(0), rule(1), label(xOf(0) - 5, yOf(0) + 3, "end", "0"), label(xOf(0) - 5, yOf(1) + 3, "end", "×1"),
      label(xOf(0), HEIGHT - 5, "start", "first layer"), label(xOf(1), HEIGHT - 5, "end", "last layer")];
  }

  /** Show a shape that was set elsewhere or here. */
  show(shape) {
    this.#shape = shape;
    this.#selected = Math.min(this.#selected, (shape?.points.length ?? 0) - 1);
    this.#mode.value = shape?.mode ?? MODES[0];
    this.#mode.disabled = !shape;
    this.#delete.disabled = this.#selected < 0;
    this.#full.disabled = !shape;
    this.#drawLayers();
    this.#drawLine();
    this.#drawPoints();
  }

  #drawLayers() {
    const width = Math.max(plotWidth / this.#nLayer - 1, 0.5);
    this.#layers.replaceChildren(...ratiosOfLayers(this.#shape, this.#nLayer).map((ratio, i) => drawing("rect", {
      x: xOf(i / this.#nLayer), y: yOf(ratio), width, height: yOf(0) - yOf(ratio),
    })));
  }

  #drawLine() {
    const points = this.#shape?.points ?? [{ depth: 0, peakratio: 1 }];
    const ends = [{ ...points[0], depth: 0 }, ...points, { ...points.at(-1), depth: 1 }];
    this.#line.setAttribute("points", ends.map(({ depth, peakratio }) => `${xOf(depth)},${yOf(peakratio)}`).join(" "));
  }

  // kept and moved, so that focus and a finger's hold survive
  #drawPoints() {
    const points = this.#shape?.points ?? [];
    while (this.#points.childElementCount > points.length) {
      this.#points.lastChild.remove();
    }
    while (this.#points.childElementCount < points.length) {
      this.#points.append(this.#handle());
    }
    points.forEach((point, i) => this.#place(this.#points.children[i], point, i));
  }

  #handle() {
    return drawing("g", { class: "point", tabindex: 0, role: "slider", "aria-orientation": "vertical",
      "aria-valuemin": 0, "aria-valuemax": MAX_RATIO,
      onfocus: (event) => this.#select(this.#indexOf(event.currentTarget)),
      onkeydown: (event) => this.#key(event),
      ondblclick: () => this.#doubleClick() },
    drawing("circle", { class: "hold", r: 14 }), drawing("circle", { class: "dot", r: 5.5 }));
  }

  #place(handle, { depth, peakratio }, i) {
    handle.setAttribute("transform", `translate(${xOf(depth)} ${yOf(peakratio)})`);
    handle.setAttribute("aria-label", `Point ${i + 1} of ${this.#site}`);
    handle.setAttribute("aria-valuenow", peakratio);
    handle.setAttribute("aria-valuetext", `depth ${depth}, ratio ${peakratio}`);
    handle.classList.toggle("selected", i === this.#selected);
  }

  #indexOf(handle) {
    return Array.from(this.#points.children).indexOf(handle);
  }

  #select(i) {
    this.#selected = i;
    this.#delete.disabled = i < 0;
    Array.from(this.#points.children).forEach((handle, j) => handle.classList.toggle("selected", i === j));
  }

  #set(shape, selected) {
    this.#selected = selected;
    this.#onChange(shape);
    this.show(shape);
    this.#points.children[selected]?.focus();
  }

  #press(event) {
    event.preventDefault();
    const handle = event.target.closest(".point");
    if (handle) {
      handle.focus();
    } else {
      const point = this.#pointAt(event);
      const shape = withPoint(this.#shape, point);
      this.#set(shape, shape.points.indexOf(point));
    }
    this.#lastPressesHeld = [this.#lastPressesHeld[1], handle !== null];
    this.#drag(handle ?? this.svg, event.pointerId);
  }

  // unless the first click of the two has made the point
  #doubleClick() {
    if (this.#lastPressesHeld.every(Boolean)) {
      this.#remove();
    }
  }

  #drag(held, pointerId) {
    const move = (event) => this.#move(this.#pointAt(event));
    const drop = () => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.removeEventListener("pointerup", drop);
      this.svg.removeEventListener("pointercancel", drop);
    };
    held.setPointerCapture(pointerId);
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", drop);
    this.svg.addEventListener("pointercancel", drop);
  }

  #pointAt({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * WIDTH;
    const y = ((clientY - box.top) / box.height) * HEIGHT;
    return {
      depth: within((x - MARGIN.left) / plotWidth, 1),
      peakratio: within((1 - (y - MARGIN.top) / plotHeight) * MAX_RATIO, MAX_RATIO),
    };
  }

  #move(point) {
    const shape = withPointMoved(this.#shape, this.#selected, point);
    this.#set(shape, shape.points.indexOf(point));
  }

  #key(event) {
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.#remove();
      return;
    }
    const [right, up] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (right || up) {
      event.preventDefault();
      const step = event.shiftKey ? FINE_STEP : STEP;
      const { depth, peakratio } = this.#shape.points[this.#selected];
      this.#move({ depth: within(depth + right * step, 1), peakratio: within(peakratio + up * step, MAX_RATIO) });
    }
  }

  #add() {
    const shape = withPointInGap(this.#shape);
    this.#set(shape, shape.points.findIndex((point) => !this.#shape?.points.includes(point)));
  }

  #remove() {
    if (this.#selected >= 0) {
      const shape = withoutPoint(this.#shape, this.#selected);
      this.#set(shape, Math.min(this.#selected, (shape?.points.length ?? 0) - 1));
    }
  }

  #changeMode() {
    this.#set({ ...this.#shape, mode: this.#mode.value }, this.#selected);
    this.#mode.focus();
  }
}

/** The profile in miniature, as points of a polyline in a box of 1 by 1. */
export function miniature(shape, nLayer) {
  const ratios = ratiosOfLayers(shape, Math.max(nLayer, 1));
  return ratios.map((ratio, i) => `${i / Math.max(ratios.length - 1, 1)},${1 - Math.min(ratio, MAX_RATIO) / MAX_RATIO}`).join(" ");
}
