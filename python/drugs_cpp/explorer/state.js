"use strict";

/**
 * What is shown. Wishes are kept, so that what a model or a site lacks comes back where it exists; settings are what exists
 * and comes nearest.
 */
explorer.state = (() => {
  const { settings, nearest, data } = explorer;
  const listeners = [];
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
  };

  /** @param {(state: object) => void} listener is called after each change */
  const onChange = (listener) => listeners.push(listener);

  /** Change some values. */
  function change(values, first) {
    Object.assign(state, values);
    resolve(first);
    listeners.forEach((listener) => listener(state));
  }

  function resolve({ field, side } = {}) {
    state.block = nearest.block(data.index, state.wish, side === undefined ? field : undefined);
    state.blocks = state.sides.map(({ kept }) => (kept ? nearest.block(data.index, kept) : state.block));
    state.shown = state.sides.map((wish, i) => nearest.setting(settings.of(block(i)), wish, i === side ? field : undefined));
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
    const wish = { ...state.sides[side], ...wishOfSetting(setting), seed, kept: undefined };
    change({ wish: wishOfBlock(k), sides: state.sides.with(side, wish) });
  }

  function wishOfSetting({ site, dose, sampler, profile, noise, more, isDosed }) {
    return isDosed ? { site, dose, profile, noise, more } : site === "sampler" ? { site, sampler, more } : { site, more };
  }

  /** What a side shows first, if nothing says otherwise: sober, and a dose in the middle. */
  function usualSides(there) {
    const dosed = there.filter(({ isDosed }) => isDosed);
    const middle = dosed.length ? middleOf(dosed) : there.at(-1);
    const wish = { site: middle.site, dose: middle.dose, sampler: "", profile: middle.profile, noise: middle.noise, more: middle.more, seed: undefined };
    const sober = there.find(({ site }) => site === "sober") ?? there[0];
    return [{ ...wish, ...wishOfSetting(sober) }, { ...wish, ...wishOfSetting(middle) }];
  }

  function middleOf(dosed) {
    const first = dosed.find(({ site }) => site === "A") ?? dosed[0];
    const track = settings.track(dosed, first);
    return track[Math.floor(track.length / 2)];
  }

  /** Begin with what an address says, and what is usual for the rest. */
  function begin(found) {
    const wish = { ...wishOfBlock(0), ...found.wish };
    const k = nearest.block(data.index, wish);
    const usual = usualSides(settings.of(data.index.blocks[k]));
    const sides = usual.map((side, i) => ({ ...side, ...found.sides?.[i] }));
    change({ ...DEFAULTS, ...found, wish, sides });
  }

  const DEFAULTS = { active: 1, view: "map", measure: "", x: "", y: "", brush: null, query: "", everywhere: false };

  return { values: state, DEFAULTS, onChange, change, block, here, changeBlock, changeSide, keep, choose, begin };
})();
