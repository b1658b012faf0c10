"use strict";

/** The plot: a point for each setting, coherence against diversity. A rectangle drawn in it selects settings. */
explorer.scatter = (() => {
  const { dom, settings, state, measures, tip } = explorer;
  const HEIGHT = 300;
  const MARGIN = { left: 46, right: 12, top: 10, bottom: 34 };
  const NEAR = 14; // pixels: a click chooses the nearest point within this distance
  const TICKS = 5;
  let drawn = "";
  /** @type {{x: number, y: number, setting: import("./settings.js").Setting}[]} */
  let points = [];
  let scales = null;
  let drag = null;

  function show(values) {
    const width = dom.byId("plot").clientWidth || 320;
    const key = JSON.stringify([values.block, values.measured, width]);
    if (key !== drawn) {
      drawn = key;
      draw(values.measured, width);
    }
    mark(state.here());
  }

  function draw(measured, width) {
    const block = state.block();
    const [xs, ys] = [measures.values(block, measured.x), measures.values(block, measured.y)];
    const known = xs.map((x, i) => x !== null && ys[i] !== null);
    scales = scalesOf(xs.filter((_, i) => known[i]), ys.filter((_, i) => known[i]), width);
    const inBrush = measures.inBrush(block, measured);
    points = [];
    const svg = dom.drawing("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, "aria-hidden": "true" });
    if (scales) {
      svg.append(...axes(measured, width));
      settings.of(block).forEach((setting, cell) => {
        if (known[cell]) {
          const point = { x: scales.x.at(xs[cell]), y: scales.y.at(ys[cell]), setting };
          points.push(point);
          svg.append(symbol(point, inBrush[cell]));
        }
      });
      svg.append(dom.drawing("g", { class: "marks" }), brushArea(measured.brush));
    }
    dom.byId("plot").replaceChildren(scales ? svg : dom.element("p", { class: "quiet" }, "No setting here has both of these measures: choose others."));
    showLegend(block);
  }

  function scalesOf(xs, ys, width) {
    const [rangeX, rangeY] = [measures.range(xs), measures.range(ys)];
    return rangeX && {
      x: scale(rangeX, MARGIN.left, width - MARGIN.right),
      y: scale(rangeY, HEIGHT - MARGIN.bottom, MARGIN.top),
    };
  }

  function scale([low, high], from, to) {
    const pad = (high - low) * 0.04 || 0.5;
    const [least, most] = [low - pad, high + pad];
    return {
      least,
      most,
      at: (value) => from + ((value - least) / (most - least)) * (to - from),
      of: (place) => least + ((place - from) / (to - from)) * (most - least),
    };
  }

  /** Round numbers, about as many as fit. */
  function ticks({ least, most }) {
    const rough = (most - least) / TICKS;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
    const found = [];
    for (let i = Math.ceil(least / step); i * step <= most; i++) {
      found.push(Number((i * step).toPrecision(6)));
    }
    return found;
  }

  function axes(measured, width) {
    const { drawing } = dom;
    const bottom = HEIGHT - MARGIN.bottom;
    const text = (attributes, words) => drawing("text", attributes, typeof words === "number" ? String(words).replace("-", "−") : words);
    return [
      ...ticks(scales.x).flatMap((value) => [
        drawing("line", { class: "grid", x1: scales.x.at(value), x2: scales.x.at(value), y1: MARGIN.top, y2: bottom }),
        text({ x: scales.x.at(value), y: bottom + 13, "text-anchor": "middle" }, value),
      ]),
      ...ticks(scales.y).flatMap((value) => [
        drawing("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: scales.y.at(value), y2: scales.y.at(value) }),
        text({ x: MARGIN.left - 5, y: scales.y.at(value) + 3, "text-anchor": "end" }, value),
      ]),
      text({ x: (MARGIN.left + width) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, measures.named(measured.x).title),
      text({ x: 11, y: bottom / 2, "text-anchor": "middle", transform: `rotate(-90 11 ${bottom / 2})` }, measures.named(measured.y).title),
    ];
  }

  const kindOf = ({ site }) => (site === "sober" || site === "sampler" ? site : "dosed");

  function symbol({ x, y, setting }, isIn) {
    const name = `point ${kindOf(setting)} site-${setting.site}${isIn ? "" : " outside"}`;
    const size = { sampler: 4.2, sober: 5.5, dosed: 3.6 }[kindOf(setting)];
    if (kindOf(setting) === "dosed") {
      return dom.drawing("circle", { class: name, cx: x.toFixed(1), cy: y.toFixed(1), r: size });
    }
    return dom.drawing("rect", { class: name, x: x - size, y: y - size, width: 2 * size, height: 2 * size, transform: kindOf(setting) === "sober" ? `rotate(45 ${x} ${y})` : undefined });
  }

  function showLegend(block) {
    const sites = [...new Set(settings.of(block).map(({ site }) => site))].sort(settings.siteOrder);
    dom.byId("legend").replaceChildren(...sites.map((site) => dom.element("li", { title: settings.siteInWords(site) }, dom.element("span", { class: `swatch ${kindOf({ site })} site-${site}` }), site)));
  }

  function mark(shown) {
    const marks = dom.byId("plot").querySelector(".marks");
    marks?.replaceChildren(...shown.flatMap((setting, side) => {
      const point = points.find((one) => one.setting === setting);
      return point ? [
        dom.drawing("circle", { class: "current", cx: point.x, cy: point.y, r: 8 + 3 * side }),
        dom.drawing("text", { class: "number", x: point.x + 10, y: point.y + (side ? 14 : -6) }, String(side + 1)),
      ] : [];
    }));
  }

  function brushArea(brush) {
    const rect = brush ? [scales.x.at(brush[0]), scales.y.at(brush[3]), scales.x.at(brush[1]), scales.y.at(brush[2])] : [0, 0, 0, 0];
    return areaOf(dom.drawing("rect", { class: "brush" }), rect);
  }

  function areaOf(node, [left, top, right, bottom]) {
    const box = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
    Object.entries(box).forEach(([name, value]) => node.setAttribute(name, value));
    return node;
  }

  const placeOf = (event) => {
    const box = dom.byId("plot").getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  function begin(event) {
    tip.hide();
    if (scales && event.button === 0) {
      drag = { from: placeOf(event), isMoved: false };
      dom.byId("plot").setPointerCapture(event.pointerId);
    }
  }

  const sorted = ([x0, y0], [x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];

  function move(event) {
    if (!drag) {
      nameNearest(placeOf(event));
      return;
    }
    const [left, top, right, bottom] = sorted(drag.from, placeOf(event));
    drag.isMoved ||= right - left > 4 || bottom - top > 4;
    if (drag.isMoved) {
      areaOf(dom.byId("plot").querySelector(".brush"), [left, top, right, bottom]);
    }
  }

  function end(event) {
    const was = drag;
    drag = null;
    if (was?.isMoved) {
      const [left, top, right, bottom] = sorted(was.from, placeOf(event));
      state.select([scales.x.of(left), scales.x.of(right), scales.y.of(bottom), scales.y.of(top)].map((value) => Number(value.toPrecision(4))));
    } else if (was) {
      const point = nearestTo(placeOf(event));
      if (point) {
        state.choose(state.values.active, point.setting);
      }
    }
  }

  function nearestTo([x, y]) {
    let [best, least] = [undefined, NEAR ** 2];
    for (const point of points) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) {
        [best, least] = [point, distance];
      }
    }
    return best;
  }

  function nameNearest(place) {
    const point = nearestTo(place);
    if (point) {
      const { left, top } = dom.byId("plot").getBoundingClientRect();
      tip.show({ left: left + point.x + 8, top: top + point.y - 8, bottom: top + point.y + 8 }, settings.inWords(point.setting, state.block()));
    } else {
      tip.hide();
    }
  }

  function init() {
    const plot = dom.byId("plot");
    plot.addEventListener("pointerdown", begin);
    plot.addEventListener("pointermove", move);
    plot.addEventListener("pointerup", end);
    plot.addEventListener("pointercancel", () => (drag = null));
    plot.addEventListener("pointerleave", tip.hide);
    new ResizeObserver(() => state.values.view === "scatter" && show(state.values)).observe(plot);
  }

  return { init, show };
})();
