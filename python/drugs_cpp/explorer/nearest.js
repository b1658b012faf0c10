"use strict";

/** Finds what exists and is nearest to what the user chose. */
explorer.nearest = (() => {
  /** How much it counts that a field differs; a dose counts less than any of these. */
  const WEIGHTS = { kind: 32, site: 16, profile: 8, noise: 4, more: 2 };
  const FIRST = 1000; // what was changed last counts most

  /**
   * The setting nearest to a wish.
   * @param {import("./settings.js").Setting[]} settings not empty
   * @param {{site: string, dose: number, sampler: string, profile: string, noise: string, more: string,
   *     beside: string}} wish beside: the site of the other side; a side whose wish has no dose takes it if all settings have a dose
   * @param {string} [first] the field that was changed last
   */
  function setting(settings, wish, first) {
    return least(settings, (one) => distance(one, wish, first));
  }

  function distance(one, wish, first) {
    const wanted = explorer.settings.isDosed(wish.site);
    let sum = wanted === one.isDosed ? 0 : WEIGHTS.kind;
    for (const field of explorer.settings.FIELDS) {
      const counts = field === "site" || field === "more" || one.isDosed;
      if (counts && one[field] !== wish[field]) {
        sum += WEIGHTS[field] + (field === first ? FIRST : 0);
      }
    }
    return sum + (one.isDosed ? doseDistance(one, wish, wanted) : samplerDistance(one, wish));
  }

  /** If no dose is wanted, the smallest is nearest. */
  const doseDistance = (one, wish, wanted) => (wanted ? Math.abs(one.dose - wish.dose) / 10 : one.dose / 10 + (one.site === wish.beside ? 0 : 1));

  const temperature = (name) => Number(/temperature ([\d.]+)/.exec(name)?.[1] ?? 0);

  function samplerDistance(one, wish) {
    const away = Math.abs(temperature(one.sampler) - temperature(wish.sampler));
    return one.site === "sampler" && one.sampler !== wish.sampler ? 0.1 + Math.min(1, away / 10) : 0;
  }

  /**
   * The block nearest to a wish.
   * @param {{model: string, quantization: string, prompt: string}} wish
   * @param {string} [first] the field that was changed last
   */
  function block({ models, prompts, blocks }, wish, first) {
    const weights = { model: 4, prompt: 2, quantization: 1 };
    return blocks.indexOf(least(blocks, (one) => {
      const { name, quantization } = models[one.model];
      const own = { model: name, quantization, prompt: prompts[one.prompt].name };
      return Object.keys(weights).reduce((sum, field) => sum + (own[field] === wish[field] ? 0 : weights[field] + (field === first ? FIRST : 0)), 0);
    }));
  }

  /** The row whose seed is nearest. */
  const row = (rows, seeds, seed) => least(rows, (one) => Math.abs(seeds[one] - seed));

  function least(values, distanceOf) {
    let best = values[0];
    let smallest = Infinity;
    for (const value of values) {
      const distance = distanceOf(value);
      if (distance < smallest) {
        [best, smallest] = [value, distance];
      }
    }
    return best;
  }

  return { setting, distance, block, row };
})();
