"use strict";

/**
 * What is shown. Wishes are kept, so that what a model or a site lacks comes back where it exists; settings are what exists
 * and comes nearest.
 */
explorer.state = (() => {
  const { settings, nearest, measures, opening, data } = explorer;
  const listeners = [];
  const chosenListeners = [];
  const state = {
    wish: { model: "", quantization: "", prompt: "" },
    /** wishes of the two sides; one that keeps its model and prompt has them in "kept" */
    sides: [],
    /** the side that the map, the plot, the search and favourites choose for */
    active: 1,
    view: "map",
    measure: "",
    x: "",
    y: "",
    /** [x from, x to, y from, y to], or null */
    brush: null,
    query: "",
    everywhere: false,
    /** number of the block, and that of each side, which differs where a side keeps one */
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

  /** The block, or that of a side. */
  const block = (side) => data.index.blocks[side === undefined ? state.block : state.blocks[side]];

  /** The settings that the sides show, undefined for a side that keeps another block. */
  const here = () => state.shown.map((setting, side) => (state.blocks[side] === state.block ? setting : undefined));

  /** Another model, quantization or prompt; the others stay as they are shown, if they can. */
  function changeBlock(field, value) {
    change({ wish: { ...wishOfBlock(state.block), [field]: value } }, { field });
  }

  function wishOfBlock(k) {
    const { models, prompts, blocks } = data.index;
    const { name, quantization } = models[blocks[k].model];
    return { model: name, quantization, prompt: prompts[blocks[k].prompt].name };
  }

  /** Another site, dose, sampler, profile, noise or seed of a side; its others stay as they are shown, if they can. */
  function changeSide(side, field, value) {
    const { site, profile, noise, more, isDosed } = state.shown[side];
    const kept = isDosed ? { site, profile, noise, more } : { site, more };
    const wish = { ...state.sides[side], ...(field === "seed" ? {} : kept), [field]: value };
    change({ sides: state.sides.with(side, wish) }, { field, side });
  }

  /** Let a side keep its model and prompt whatever is chosen after that, or follow again. */
  function keep(side, isKept) {
    change({ sides: state.sides.with(side, { ...state.sides[side], kept: isKept ? wishOfBlock(state.blocks[side]) : undefined }) });
  }

  /** Show a setting, and perhaps a seed and another block, on a side; it keeps no other. */
  function choose(side, setting, { seed = state.sides[side].seed, block: k = state.block } = {}) {
    const wish = { ...state.sides[side], ...settings.wish(setting), seed, kept: undefined };
    change({ wish: wishOfBlock(k), sides: state.sides.with(side, wish) });
    chosenListeners.forEach((listener) => listener(side));
  }

  /** Select settings by a rectangle, which belongs to the measures that the plot shows; null: all of them. */
  function select(brush) {
    change(brush ? { brush, x: state.measured.x, y: state.measured.y } : { brush });
  }

  /** Begin with what an address says, and what is usual for the rest. */
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
