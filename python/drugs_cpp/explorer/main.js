"use strict";

/** Connects the parts: when the state changes, everything that shows it is updated. */
(() => {
  const { dom, data, settings, state, measures, address, nearest, compare } = explorer;
  const WAIT_FOR_MORE = 250; // ms; browsers refuse to change the URL more often
  const VIEWS = {
    map: explorer.map.show,
    scatter: (values) => {
      explorer.scatter.show(values);
      explorer.cells.show(values);
    },
    search: explorer.search.show,
    favourites: explorer.favouritesView.show,
  };
  let sides = [];
  let writing = 0;

  function render() {
    const { values } = state;
    showBlocks(values);
    showTexts(values);
    showView(values);
    clearTimeout(writing);
    writing = setTimeout(() => history.replaceState(null, "", `#${address.write(values)}`), WAIT_FOR_MORE);
  }

  function showTexts(values) {
    const rows = values.shown.map((setting, i) => rowOf(setting, values.blocks[i], values.sides[i].seed));
    sides.forEach((side, i) => side.show(values, rows[i]));
    compare.show(rows.map((row, i) => (row === undefined ? undefined : data.texts(values.blocks[i]).columns.text[row])), dom.byId("marked").checked);
  }

  /** The row of a setting with this seed or the nearest one; undefined while the block is loading. */
  function rowOf(setting, k, seed) {
    const texts = data.texts(k);
    if (!texts) {
      load(k);
      return undefined;
    }
    return nearest.row(texts.rows.get(setting.number), texts.columns.seed, seed);
  }

  async function load(k) {
    try {
      await data.load(k);
    } catch (error) {
      explorer.notice.show(`${error.message} Choose another model or prompt, or reload the page.`);
      return;
    }
    if (state.values.blocks.includes(k)) {
      render();
    }
  }

  function showBlocks(values) {
    const { models, prompts, blocks } = data.index;
    const { model, prompt } = blocks[values.block];
    const { name, quantization } = models[model];
    const same = blocks.filter((block) => models[block.model].name === name);
    dom.fill(dom.byId("model"), [...new Set(blocks.map((block) => models[block.model].name))], name);
    dom.fill(dom.byId("quantization"), [...new Set(same.map((block) => models[block.model].quantization))], quantization);
    dom.fill(dom.byId("prompt"), [...new Set(same.map((block) => prompts[block.prompt].name))], prompts[prompt].name);
    dom.byId("quantization-field").hidden = dom.byId("quantization").options.length < 2 && !quantization;
    dom.byId("prompt-text").textContent = prompts[prompt].text;
  }

  function showView(values) {
    for (const view of address.VIEWS) {
      dom.byId(`${view}-view`).hidden = view !== values.view;
      document.querySelector(`[name="view"][value="${view}"]`).checked = view === values.view;
    }
    document.querySelector(`[name="active"][value="${values.active}"]`).checked = true;
    showMeasures(values.measured);
    VIEWS[values.view](values);
  }

  /** Show which measures are chosen; those that nothing here has are disabled. */
  function showMeasures(measured) {
    const here = new Set(measures.of(state.block()).map(({ name }) => name));
    for (const id of ["measure", "x", "y"]) {
      const select = dom.byId(id);
      [...select.options].forEach((option) => (option.disabled = !here.has(option.value)));
      select.value = measured[id];
    }
  }

  function fillMeasures() {
    const some = measures.available(data.index);
    const option = ({ name, title, means }) => dom.element("option", { value: name, title: means }, title);
    dom.byId("measure").append(...some.map(option));
    dom.byId("x").append(...some.map(option));
    dom.byId("y").append(...measures.diverseFirst(some).map(option));
  }

  /** Show what the URL says. */
  function open() {
    const found = address.read(location.hash);
    state.begin(found);
    if (Object.keys(found.sides[1]).length === 0) {
      showDifferingTexts(state.values);
    }
  }

  /** Let the second side begin with a text that differs from the first, unless the user chose something while texts were loading. */
  async function showDifferingTexts({ sides: wishes, blocks, wish }) {
    try {
      await Promise.all(blocks.map(data.load));
    } catch {
      return; // showTexts reports it
    }
    const { values } = state;
    if (values.sides === wishes && values.wish === wish) {
      const [first, second] = blocks.map(data.texts);
      const text = first.columns.text[rowOf(values.shown[0], blocks[0], wishes[0].seed)];
      const found = explorer.opening.differing(text, second, settings.of(state.block(1)), { setting: values.shown[1], seed: wishes[1].seed });
      if (found) {
        state.change({ sides: wishes.with(1, { ...wishes[1], ...settings.wish(found.setting), seed: found.seed }) });
      }
    }
  }

  function listen() {
    for (const id of ["model", "quantization", "prompt"]) {
      dom.byId(id).addEventListener("change", ({ target }) => state.changeBlock(id, target.value));
    }
    dom.byId("measure").addEventListener("change", ({ target }) => state.change({ measure: target.value }));
    for (const id of ["x", "y"]) {
      dom.byId(id).addEventListener("change", ({ target }) => state.change({ [id]: target.value, brush: null }));
    }
    dom.byId("views").addEventListener("change", ({ target }) => state.change({ view: target.value }));
    dom.byId("actives").addEventListener("change", ({ target }) => state.change({ active: Number(target.value) }));
    dom.byId("marked").addEventListener("change", render);
    dom.byId("swap").addEventListener("click", () => state.change({ sides: state.values.sides.toReversed() }));
    explorer.favourites.onChange(() => showTexts(state.values));
  }

  function begin() {
    const { title, version, cpu, blocks } = data.index;
    document.title = `${title} · DRµGS`;
    dom.byId("title").textContent = title;
    dom.byId("made-by").textContent = [`drugs_cpp ${version}`, cpu].filter(Boolean).join(" · ");
    if (blocks.length === 0) {
      explorer.notice.show("There are no texts in this sweep yet.");
      return;
    }
    settings.take(data.index.settings);
    fillMeasures();
    sides = [new explorer.Side(0), new explorer.Side(1)];
    explorer.reveal.init();
    [compare, explorer.scatter, explorer.cells, explorer.search, explorer.favouritesView].forEach((part) => part.init());
    explorer.server.init(() => showTexts(state.values));
    explorer.favourites.begin();
    listen();
    state.onChange(render);
    state.onChoose(explorer.reveal.text);
    addEventListener("hashchange", open);
    open();
  }

  if (data.index) {
    begin();
  } else {
    explorer.notice.show("data/index.js cannot be read: keep all files of the site together.");
  }
})();
