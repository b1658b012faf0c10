"use strict";

/**
 * What is shown. A wish is what the user chose. Wishes are kept, so that what a model or a site lacks comes back where it exists;
 * settings are what exists and is nearest to them.
 */
explorer.state = (() => {
  const { settings, nearest, measures, opening, data } = explorer;
  const listeners = [];
  const chosenListeners = [];
  const state = {
    wish: { model: "", quantization: "", prompt: "" },
    /** wishes of the two sides; a side that keeps its model and prompt has them in "kept" */
    sides: [],
    /** the active side: the map, the plot, the search and the favourites choose its text */
    active: 1,
    view: "map",
    measure: "",
    x: "",
    y: "",
    /** [x from, x to, y from, y to], or null */
    brush: null,
    query: "",
    everywhere: false,
    /** number of the block, and of each side's block, which differs if the side keeps its own */
    block: 0,
    blocks: [],
    /** each side's setting */
    shown: [],
    /** measure, x, y and brush as the block has them */
    measured: {},
  };

  /** @param {(state: object) => void} listener is called after each change */
  const onChange = (listener) => listeners.push(listener);

  /** @param {(side: number) => void} listener is called after a setting was chosen for a side in the map or elsewhere */
  const onChoose = (listener) => chosenListeners.push(listener);

  /** Change some values. */
  function change(values, first) {
    Object.assign(state, values);
    resolve(first);
    listeners.forEach((listener) => listener(state));
  }

  function resolve({ field, side } = {}) {
    state.block = nearest.block(data.index, state.wish, side === undefined ? field : undefined);
    state.blocks = state.sides.map(({ kept }) => (kept ? nearest.block(data.index, kept) : state.block));
    state.shown = state.sides.map((wish, i) => nearest.setting(settings.of(block(i)), { ...wish, beside: state.sides[1 - i].site }, i === side ? field : undefined));
    state.measured = measures.shownOf(block(), state);
  }

  /** The block, or a side's block. */
  const block = (side) => data.index.blocks[side === undefined ? state.block : state.blocks[side]];

  /** The settings that the sides show; undefined for a side that keeps another block. */
  const here = () => state.shown.map((setting, side) => (state.blocks[side] === state.block ? setting : undefined));

  /** Change the model, quantization or prompt; the other two stay as shown if possible. */
  function changeBlock(field, value) {
    change({ wish: { ...wishOfBlock(state.block), [field]: value } }, { field });
  }

  function wishOfBlock(k) {
    const { models, prompts, blocks } = data.index;
    const { name, quantization } = models[blocks[k].model];
    return { model: name, quantization, prompt: prompts[blocks[k].prompt].name };
  }

  /** Change the site, dose, sampler, profile, noise or seed of a side; the rest stays as shown if possible. */
  function changeSide(side, field, value) {
    const { site, profile, noise, more, isDosed } = state.shown[side];
    const kept = isDosed ? { site, profile, noise, more } : { site, more };
    const wish = { ...state.sides[side], ...(field === "seed" ? {} : kept), [field]: value };
    change({ sides: state.sides.with(side, wish) }, { field, side });
  }

  /** Let a side keep its model and prompt whatever is chosen later, or follow the choice again. */
  function keep(side, isKept) {
    change({ sides: state.sides.with(side, { ...state.sides[side], kept: isKept ? wishOfBlock(state.blocks[side]) : undefined }) });
  }

  /** Show a setting on a side, optionally with a seed and another block; the side no longer keeps its own block. */
  function choose(side, setting, { seed = state.sides[side].seed, block: k = state.block } = {}) {
    const wish = { ...state.sides[side], ...settings.wish(setting), seed, kept: undefined };
    change({ wish: wishOfBlock(k), sides: state.sides.with(side, wish) });
    chosenListeners.forEach((listener) => listener(side));
  }

  /** Select settings with a rectangle, which belongs to the measures that the plot shows; null selects all. */
  function select(brush) {
    change(brush ? { brush, x: state.measured.x, y: state.measured.y } : { brush });
  }

  /** Begin with what a URL says, and defaults for the rest. */
  function begin(found) {
    const wish = { ...wishOfBlock(0), ...found.wish };
    const k = nearest.block(data.index, wish);
    const usual = opening.sides(settings.of(data.index.blocks[k]));
    const sides = usual.map((side, i) => ({ ...side, ...found.sides?.[i] }));
    change({ ...DEFAULTS, ...found, wish, sides });
  }

  const DEFAULTS = { active: 1, view: "map", measure: "", x: "", y: "", brush: null, query: "", everywhere: false };

  return { values: state, DEFAULTS, onChange, onChoose, change, block, here, changeBlock, changeSide, keep, choose, select, begin };
})();
