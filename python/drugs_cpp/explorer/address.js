"use strict";

/** The state in the URL after the "#". It has names instead of numbers, so that a link still works after a new export. */
explorer.address = (() => {
  const { DEFAULTS } = explorer.state;
  const VIEWS = ["map", "scatter", "search", "favourites"];
  const OF_A_SIDE = ["site", "dose", "sampler", "profile", "noise", "more", "seed"];
  const OF_A_BLOCK = ["model", "quantization", "prompt"];
  const NUMBERS = ["dose", "seed"];

  function write(state) {
    const parts = new URLSearchParams(state.wish);
    state.sides.forEach((wish, i) => writeSide(parts, wish, state.shown[i], `${i + 1}.`));
    const rest = {
      view: state.view,
      for: state.active + 1,
      measure: state.measure,
      x: state.x,
      y: state.y,
      brush: state.brush?.join("_") ?? "",
      query: state.query,
      everywhere: state.everywhere,
    };
    const usual = { ...DEFAULTS, for: DEFAULTS.active + 1, brush: "" };
    for (const [name, value] of Object.entries(rest)) {
      if (value !== usual[name]) {
        parts.set(name, value);
      }
    }
    return parts.toString();
  }

  // a side without a dose writes only what it shows: the rest does not matter and would make the URL long
  function writeSide(parts, wish, { isDosed, site }, prefix) {
    const names = isDosed ? ["site", "dose", "profile", "noise", "more", "seed"] : site === "sampler" ? ["site", "sampler", "more", "seed"] : ["site", "more", "seed"];
    names.filter((name) => wish[name] !== undefined).forEach((name) => parts.set(prefix + name, wish[name]));
    Object.entries(wish.kept ?? {}).forEach(([name, value]) => parts.set(prefix + name, value));
  }

  /** Read a URL's hash; leave out what is not valid. */
  function read(hash) {
    const parts = new URLSearchParams(hash.replace(/^#/, ""));
    const found = {
      wish: pick(OF_A_BLOCK, (name) => parts.get(name) ?? undefined),
      sides: [1, 2].map((side) => readSide(parts, `${side}.`)),
      view: VIEWS.find((view) => view === parts.get("view")),
      active: { 1: 0, 2: 1 }[parts.get("for")],
      measure: parts.get("measure") ?? undefined,
      x: parts.get("x") ?? undefined,
      y: parts.get("y") ?? undefined,
      brush: brushOf(parts.get("brush")),
      query: parts.get("query") ?? undefined,
      everywhere: parts.has("everywhere") ? parts.get("everywhere") === "true" : undefined,
    };
    return pick(Object.keys(found), (name) => found[name]);
  }

  function readSide(parts, prefix) {
    const kept = pick(OF_A_BLOCK, (name) => parts.get(prefix + name) ?? undefined);
    const wish = pick(OF_A_SIDE, (name) => valueOf(name, parts.get(prefix + name)));
    return Object.keys(kept).length ? { ...wish, kept } : wish;
  }

  function valueOf(name, text) {
    return NUMBERS.includes(name) ? number(text) : text ?? undefined;
  }

  function brushOf(text) {
    const numbers = (text ?? "").split("_").map(number);
    return numbers.length === 4 && !numbers.includes(undefined) ? numbers : undefined;
  }

  function number(text) {
    return text && Number.isFinite(Number(text)) ? Number(text) : undefined;
  }

  const pick = (names, valueOfName) => Object.fromEntries(names.map((name) => [name, valueOfName(name)]).filter(([, value]) => value !== undefined));

  return { VIEWS, write, read };
})();
