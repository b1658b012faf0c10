"use strict";

/**
 * The data of the site. data/index.js calls loadIndex with everything except the texts. A block is a model and a prompt:
 * data/texts-<k>.js is loaded when it is needed, and calls loadTexts with the texts of block k and their checksum. These files are
 * scripts, because browsers load nothing else from a disk.
 * @typedef {{setting: number[], seed: number[], text: string[], n_tokens: number[], end: string[]}} Columns
 * @typedef {{columns: Columns, rows: Map<number, number[]>}} Texts rows of each setting, sorted by seed
 */
explorer.data = (() => {
  const { element } = explorer.dom;

  /** @type {Map<number, Texts>} */
  const texts = new Map();
  /** @type {Map<number, Promise<Texts>>} */
  const loading = new Map();
  const data = { index: null, texts: (k) => texts.get(k), load };

  explorer.loadIndex = (index) => {
    data.index = index;
    for (const block of index.blocks) {
      block.cellOf = new Map(block.cells.setting.map((setting, cell) => [setting, cell]));
    }
  };

  explorer.loadTexts = (k, sum, columns) => {
    if (data.index.blocks[k]?.sum === sum) {
      texts.set(k, { columns, rows: rowsOf(columns) });
    }
  };

  function rowsOf({ setting, seed }) {
    const rows = new Map();
    for (let row = 0; row < setting.length; row++) {
      if (!rows.has(setting[row])) {
        rows.set(setting[row], []);
      }
      rows.get(setting[row]).push(row);
    }
    rows.forEach((some) => some.sort((a, b) => seed[a] - seed[b]));
    return rows;
  }

  /** @returns {Promise<Texts>} the texts of block k; if loading fails, the next call tries again */
  function load(k) {
    if (!loading.has(k)) {
      loading.set(k, added(k));
      loading.get(k).catch(() => loading.delete(k));
    }
    return loading.get(k);
  }

  function added(k) {
    return new Promise((resolve, reject) => {
      const name = `data/texts-${k}.js`;
      const finish = () => (texts.has(k) ? resolve(texts.get(k)) : reject(new Error(`${name} is damaged, or belongs to another export.`)));
      const fail = () => reject(new Error(`${name} cannot be read.`));
      // the checksum keeps browsers and proxies from using a cached file of an earlier export
      document.head.append(element("script", { src: `${name}?${data.index.blocks[k].sum}`, onload: finish, onerror: fail }));
    });
  }

  return data;
})();
