"use strict";

/** Finds the texts that contain what the user types. */
explorer.search = (() => {
  const { dom, data, settings, state, measures } = explorer;
  const MOST = 100; // results that are listed
  const AROUND = 60; // characters before and after what was found
  const PAUSE = 120; // ms after the last key before a search begins
  let timer = 0;
  let drawn = "";

  function show(values) {
    if (dom.byId("query") !== document.activeElement) {
      dom.byId("query").value = values.query;
    }
    dom.byId("everywhere").checked = values.everywhere;
    const key = JSON.stringify([values.query, values.everywhere, values.everywhere || values.block, values.measured]);
    if (key !== drawn) {
      drawn = key;
      search(values, key);
    }
  }

  async function search(values, key) {
    const blocks = values.everywhere ? data.index.blocks.map((_, k) => k) : [values.block];
    if (values.query.trim() === "") {
      list([], 0, "");
      return;
    }
    dom.byId("found").textContent = "Searching …";
    try {
      await Promise.all(blocks.map(data.load));
    } catch (error) {
      drawn = "";
      dom.byId("found").textContent = error.message;
      return;
    }
    if (key === drawn) {
      const found = blocks.flatMap((k) => foundIn(k, values));
      list(found, found.length, values.measured.brush ? " among the selected settings" : "");
    }
  }

  /** What was typed, in upper or lower case, with any white space in place of a space. */
  const patternOf = (query) => new RegExp(query.trim().replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\s+/g, "\\s+"), "iu");

  function foundIn(k, values) {
    const block = data.index.blocks[k];
    const { columns } = data.texts(k);
    const inBrush = measures.inBrush(block, values.measured);
    const pattern = patternOf(values.query);
    const found = [];
    columns.text.forEach((text, row) => {
      if (inBrush[block.cellOf.get(columns.setting[row])]) {
        const match = pattern.exec(text);
        if (match) {
          found.push({ k, row, match });
        }
      }
    });
    return found;
  }

  function list(found, n, where) {
    const n_shown = Math.min(n, MOST);
    const rest = n > n_shown ? `, showing the first ${n_shown}` : "";
    dom.byId("found").textContent = state.values.query.trim() === "" ? "" : `${dom.count(n, "text")}${where}${rest}`;
    dom.byId("results").replaceChildren(...found.slice(0, MOST).map(result));
  }

  function result({ k, row, match }) {
    const { element } = dom;
    const { models, prompts, blocks } = data.index;
    const { columns } = data.texts(k);
    const setting = settings.all()[columns.setting[row]];
    const seed = columns.seed[row];
    const { name, quantization } = models[blocks[k].model];
    const where = state.values.everywhere ? [`${name} ${quantization}`.trim(), prompts[blocks[k].prompt].name] : [];
    const [start, end] = [match.index, match.index + match[0].length];
    const text = match.input;
    const cut = [Math.max(0, start - AROUND), Math.min(text.length, end + AROUND)];
    const [before, after] = [text.slice(cut[0], start), text.slice(end, cut[1])];
    return element("li", {}, element("button", { type: "button", class: "found", onclick: () => state.choose(state.values.active, setting, { seed, block: k }) },
      element("span", { class: "quiet" }, [...where, settings.inWords(setting, blocks[k]), `seed ${seed}`].join(" · ")),
      element("span", { class: "snippet" }, cut[0] ? before.replace(/^\S*/, "…") : before, element("mark", {}, match[0]), cut[1] < text.length ? after.replace(/\S*$/, "…") : after)));
  }

  function init() {
    dom.byId("query").addEventListener("input", ({ target }) => {
      clearTimeout(timer);
      timer = setTimeout(() => state.change({ query: target.value }), PAUSE);
    });
    dom.byId("everywhere").addEventListener("change", ({ target }) => state.change({ everywhere: target.checked }));
  }

  return { init, show };
})();
