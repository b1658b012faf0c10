"use strict";

/** The plot without a mouse: the rectangle as four numbers, and the settings inside as a table. */
explorer.cells = (() => {
  const { dom, settings, state, measures } = explorer;
  const MOST = 100; // rows that are listed
  const EDGES = ["x-from", "x-to", "y-from", "y-to"];
  let drawn = "";

  function show(values) {
    const key = JSON.stringify([values.block, values.measured]);
    if (key !== drawn) {
      drawn = key;
      showEdges(values.measured);
      showTable(values.measured);
    }
    const numbers = state.here().map((setting) => String(setting?.number));
    dom.byId("cells").querySelectorAll("button").forEach((node) => node.setAttribute("aria-pressed", String(numbers.includes(node.dataset.setting))));
  }

  function showEdges({ brush, x, y }) {
    EDGES.forEach((id, i) => {
      const field = dom.byId(id);
      if (field !== document.activeElement) {
        field.value = brush?.[i] ?? "";
      }
    });
    dom.byId("x-edges").textContent = measures.named(x).title;
    dom.byId("y-edges").textContent = measures.named(y).title;
    dom.byId("clear-brush").disabled = !brush;
  }

  function showTable(measured) {
    const block = state.block();
    const inBrush = measures.inBrush(block, measured);
    const [x, y] = [measures.named(measured.x), measures.named(measured.y)];
    const [xs, ys] = [x, y].map(({ name }) => measures.values(block, name));
    const order = (a, b) => (xs[b] ?? -Infinity) - (xs[a] ?? -Infinity) || a - b;
    const chosen = block.cells.setting.map((_, cell) => cell).filter((cell) => inBrush[cell]).sort(order);
    const there = settings.of(block);
    dom.byId("n-cells").textContent = `${chosen.length} of ${there.length} settings${measured.brush ? " selected" : ""}${chosen.length > MOST ? `, showing the first ${MOST}` : ""}`;
    dom.byId("cells-x").textContent = x.title;
    dom.byId("cells-y").textContent = y.title;
    dom.byId("cells").replaceChildren(...chosen.slice(0, MOST).map((cell) => dom.element("tr", {},
      dom.element("th", { scope: "row" }, chooser(there[cell], block)),
      dom.element("td", {}, measures.shown(xs[cell], x.digits)),
      dom.element("td", {}, measures.shown(ys[cell], y.digits)))));
  }

  const chooser = (setting, block) => dom.element("button", {
    type: "button", class: "plain", "data-setting": setting.number, onclick: () => state.choose(state.values.active, setting),
  }, settings.inWords(setting, block));

  /** An empty field sets no bound. */
  function changeEdges() {
    const given = EDGES.map((id) => dom.byId(id).valueAsNumber);
    const bounds = [-1e9, 1e9, -1e9, 1e9];
    state.select(given.some(Number.isFinite) ? given.map((value, i) => (Number.isFinite(value) ? value : bounds[i])) : null);
  }

  function init() {
    EDGES.forEach((id) => dom.byId(id).addEventListener("change", changeEdges));
    dom.byId("clear-brush").addEventListener("click", () => state.select(null));
  }

  return { init, show };
})();
