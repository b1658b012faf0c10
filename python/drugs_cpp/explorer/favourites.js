"use strict";

/**
 * Texts that the user liked, with notes. The browser stores them; a file takes them to another browser.
 * @typedef {{model: string, quantization: string, prompt: string, site: string, dose: number, sampler: string, profile: string,
 *     noise: string, more: string, seed: number, text: string, note: string}} Favourite
 */
explorer.favourites = (() => {
  const { data, kept } = explorer;
  const OF_ITS_PLACE = ["model", "quantization", "prompt", "site", "dose", "sampler", "profile", "noise", "more", "seed"];
  const FORMAT = 1;
  const listeners = [];
  /** @type {Favourite[]} */
  let all = [];

  const key = () => `drugs-explorer-favourites ${data.index.title}`;

  const idOf = (what) => JSON.stringify(OF_ITS_PLACE.map((name) => what[name]));

  const find = (what) => all.find((one) => idOf(one) === idOf(what));

  const has = (what) => find(what) !== undefined;

  /** The favourite for a row of block k. */
  function what(k, row) {
    const { models, prompts, blocks } = data.index;
    const { columns } = data.texts(k);
    const { name, quantization } = models[blocks[k].model];
    const { site, dose, sampler, profile, noise, more } = explorer.settings.all()[columns.setting[row]];
    const seed = columns.seed[row];
    return { model: name, quantization, prompt: prompts[blocks[k].prompt].name, site, dose, sampler, profile, noise, more, seed, text: columns.text[row], note: "" };
  }

  function toggle(one) {
    change(has(one) ? all.filter((other) => other !== find(one)) : [...all, one]);
  }

  function note(one, text) {
    one.note = text;
    save();
  }

  function change(favourites) {
    all = favourites;
    save();
    listeners.forEach((listener) => listener());
  }

  function save() {
    if (!kept.write(key(), asText())) {
      explorer.notice.show("The browser does not store anything for this page: export your favourites before you close it.");
    }
  }

  const asText = () => JSON.stringify({ format: FORMAT, title: data.index.title, favourites: all }, null, 1);

  /** Add the favourites in a file's text; existing ones stay as they are. */
  function add(text) {
    const found = parsed(text);
    change([...all, ...found.filter((one) => !has(one))]);
    return found.length;
  }

  function parsed(text) {
    const { format, favourites } = JSON.parse(text);
    const isOne = (one) => typeof one.text === "string" && typeof one.note === "string" && OF_ITS_PLACE.every((name) => ["string", "number"].includes(typeof one[name]));
    if (format !== FORMAT || !Array.isArray(favourites) || !favourites.every(isOne)) {
      throw new Error("it does not have favourites of this page");
    }
    return favourites;
  }

  /** Load what the browser has stored. */
  function begin() {
    try {
      all = parsed(kept.read(key()) ?? asText());
    } catch {
      explorer.notice.show("The favourites that the browser has stored cannot be read.");
    }
  }

  return { all: () => all, what, has, toggle, note, add, asText, begin, onChange: (listener) => listeners.push(listener) };
})();
