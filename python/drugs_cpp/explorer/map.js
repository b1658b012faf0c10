"use strict";

/** The map: sites by doses, coloured by a measure; choosing a cell shows its texts. */
explorer.map = (() => {
  const { dom, settings, state, measures, nearest } = explorer;
  let drawn = "";

  /** What the map is drawn for: the profile, noise and more of the active side. */
  function kind(there, { shown, sides, active }) {
    const dosed = there.filter(({ isDosed }) => isDosed);
    if (dosed.length === 0 || dosed.includes(shown[active])) {
      return shown[active];
    }
    return nearest.setting(dosed, settings.isDosed(sides[active].site) ? sides[active] : { ...sides[active], site: "A" });
  }

  function show(values) {
    const block = state.block();
    const there = settings.of(block);
    const { profile, noise, more } = kind(there, values);
    const key = JSON.stringify([values.block, profile, noise, more, values.measured]);
    if (key !== drawn) {
      drawn = key;
      draw(block, there.filter((one) => !one.isDosed || (one.profile === profile && one.noise === noise && one.more === more)), values.measured);
    }
    mark(state.here());
  }

  function draw(block, there, measured) {
    const measure = measures.named(measured.measure);
    const look = { block, measure, values: measures.values(block, measure.name), inBrush: measures.inBrush(block, measured) };
    look.range = rangeOf(there, look);
    dom.byId("map-means").textContent = means(measure, look.range) + (measured.brush ? " Dashed: not selected in the plot." : "");
    dom.byId("map").replaceChildren(table(there.filter(({ isDosed }) => isDosed), look));
    dom.byId("map-others").replaceChildren(...others(there, look));
    dom.byId("map-others-title").hidden = there.every(({ isDosed }) => isDosed);
    dom.byId("map").querySelector("button")?.setAttribute("tabindex", "0");
  }

  /** The range of the table alone: samplers can be so far outside it that all cells would have one colour. */
  function rangeOf(there, { block, values }) {
    const valuesOf = (some) => some.map(({ number }) => values[block.cellOf.get(number)]);
    return measures.range(valuesOf(there.filter(({ isDosed }) => isDosed))) ?? measures.range(valuesOf(there)) ?? [0, 0];
  }

  function means({ title, means: words, digits }, range) {
    return `${title}: ${words}. From ${measures.shown(range[0], digits)} (faint) to ${measures.shown(range[1], digits)} (strong).`;
  }

  function table(dosed, look) {
    const { element } = dom;
    const doses = [...new Set(dosed.map(({ dose }) => dose))].sort((a, b) => a - b);
    const sites = [...new Set(dosed.map(({ site }) => site))].sort(settings.siteOrder);
    const at = new Map(dosed.map((setting) => [`${setting.site} ${setting.dose}`, setting]));
    const head = element("tr", {}, element("th", { scope: "col" }, "rad"), ...doses.map((dose) => element("th", { scope: "col" }, String(dose))));
    const rows = sites.map((site) => element("tr", {}, element("th", { scope: "row", title: settings.siteInWords(site) }, site), ...doses.map((dose) => {
      const setting = at.get(`${site} ${dose}`);
      return element("td", {}, ...(setting ? [button(setting, look, false)] : []));
    })));
    return element("table", { onkeydown: step }, element("caption", { class: "hidden" }, "Sites by doses"), element("thead", {}, head), element("tbody", {}, ...rows));
  }

  /** What has no dose, below the table. */
  function others(there, look) {
    return there.filter(({ isDosed }) => !isDosed)
      .sort((a, b) => settings.siteOrder(a.site, b.site) || a.sampler.localeCompare(b.sampler, "en", { numeric: true }))
      .map((setting) => dom.element("li", {}, button(setting, look, true)));
  }

  function button(setting, look, isNamed) {
    const cell = look.block.cellOf.get(setting.number);
    const value = look.values[cell];
    const shown = measures.shown(value, look.measure.digits);
    const name = settings.inWords(setting, look.block);
    const n = look.block.cells.n_texts[cell];
    const node = dom.element("button", {
      type: "button",
      class: look.inBrush[cell] ? "cell" : "cell outside",
      tabindex: isNamed ? 0 : -1,
      "data-setting": setting.number,
      "aria-label": `${name}: ${look.measure.title} ${shown}, ${dom.count(n, "text")}${look.inBrush[cell] ? "" : ", not selected"}`,
      title: `${name}: ${shown}`,
      onclick: () => state.choose(state.values.active, setting),
    }, isNamed ? `${name}: ${shown}` : shown);
    node.style.setProperty("--depth", `${share(value, look.range)}%`);
    return node;
  }

  // limited, so that the text on it stays legible
  const share = (value, [least, most]) => (value === null ? 0 : 4 + 44 * Math.max(0, Math.min(1, (value - least) / (most - least || 1))));

  function mark(shown) {
    for (const node of dom.byId("map-view").querySelectorAll("[aria-current]")) {
      node.removeAttribute("aria-current");
      node.removeAttribute("data-side");
    }
    shown.forEach((setting, side) => {
      const node = dom.byId("map-view").querySelector(`[data-setting="${setting?.number}"]`);
      node?.setAttribute("aria-current", "true");
      node?.setAttribute("data-side", node.dataset.side ? "1 2" : side + 1);
    });
  }

  /** Arrow keys move to the next cell in their direction that has a setting. */
  function step(event) {
    const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
    if (!event.target.matches("button") || (!down && !right)) {
      return;
    }
    event.preventDefault();
    const rows = [...event.currentTarget.tBodies[0].rows];
    let row = rows.indexOf(event.target.closest("tr"));
    let column = event.target.closest("td").cellIndex;
    let next;
    do {
      [row, column] = [row + down, column + right];
      next = rows[row]?.cells[column]?.querySelector("button");
    } while (!next && rows[row]?.cells[column] && column > 0);
    if (next) {
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  }

  return { show };
})();
