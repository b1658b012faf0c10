"use strict";

/**
 * The settings of the sweep and their names, which leave out what all settings have in common.
 * @typedef {{number: number, site: string, dose: number, profile: string, noise: string, sampler: string, more: string,
 *     isDosed: boolean, raw: object}} Setting
 */
explorer.settings = (() => {
  /** What the user chooses, the most important first. */
  const FIELDS = ["site", "profile", "noise", "more"];
  const SITES = ["H", "Q", "K", "V", "A", "pK", "pV", "M"];
  const TITLES = {
    H: "attention input", Q: "queries", K: "keys as read", V: "values as read", A: "attention output", pK: "keys as kept",
    pV: "values as kept", M: "MLP activations", sober: "no dose", sampler: "no dose, but random sampling",
  };
  const INPUTS = { false: "prompt sober", last: "last position of the prompt dosed", true: "prompt dosed" };

  /** @type {Setting[]} */
  let all = [];
  /** @type {WeakMap<object, Map<string, string[]>>} block -> kind of setting -> the fields in which settings of that kind differ */
  const differing = new WeakMap();

  /** Take the settings of an index. */
  function take(raws) {
    const profiles = profileNames(raws);
    const mores = moreNames(raws);
    all = raws.map((raw, number) => ({
      number,
      site: raw.site,
      dose: raw.dose,
      profile: profiles(raw),
      noise: raw.noise,
      sampler: samplerName(raw.sampler),
      more: mores(raw),
      isDosed: isDosed(raw.site),
      raw,
    }));
  }

  const isDosed = (site) => site !== "sober" && site !== "sampler";

  const samplerName = (sampler) => Object.entries(sampler).map(([name, value]) => `${name} ${value}`).join(", ") || "greedy";

  const points = ({ shape }) => (shape ?? []).map(([depth, ratio]) => `${depth}:${ratio}`).join(" ");

  /** A profile's name, and as much more as is needed to tell profiles apart. */
  function profileNames(raws) {
    const levels = [({ profile }) => profile, ({ profile, mode }) => `${profile}, ${mode}`, (raw) => `${raw.profile}, ${raw.mode}, ${points(raw)}`];
    const count = (name) => new Set(raws.filter((raw) => isDosed(raw.site)).map(name)).size;
    return levels.find((name) => count(name) === count(levels.at(-1)));
  }

  /** What else differs between settings, in words. */
  function moreNames(raws) {
    const parts = [
      (raw) => (raw.site === "sampler" ? "" : samplerName(raw.sampler)),
      ({ max_tokens: most }) => (most ? `${most} tokens` : ""), // 0: not known
      (raw) => (isDosed(raw.site) ? INPUTS[raw.dose_inputs] : ""),
      (raw) => (isDosed(raw.site) ? `sink ${raw.sink}` : ""),
    ];
    const telling = parts.filter((part) => new Set(raws.map(part).filter(Boolean)).size > 1);
    return (raw) => telling.map((part) => part(raw)).filter(Boolean).join(", ") || "as usual";
  }

  /** Sites in the order in which a layer computes them, then what is not a dose, then what is not known. */
  function siteOrder(a, b) {
    const place = (site) => [...SITES, "sober", "sampler"].indexOf(site) + 1 || 99;
    return place(a) - place(b) || a.localeCompare(b);
  }

  const position = (setting) => (setting.site === "sampler" ? setting.raw.sampler.temperature ?? 0 : setting.dose);

  /** The settings that differ from one only in dose, or only in sampler if it has no dose; ascending. */
  function track(some, { site, profile, noise, more }) {
    const same = isDosed(site)
      ? (other) => other.site === site && other.profile === profile && other.noise === noise && other.more === more
      : (other) => other.site === site && other.more === more;
    return some.filter(same).sort((a, b) => position(a) - position(b) || a.sampler.localeCompare(b.sampler, "en", { numeric: true }));
  }

  /** The wish for a setting, without what does not matter for it. */
  function wish({ site, dose, sampler, profile, noise, more, isDosed }) {
    return isDosed ? { site, dose, profile, noise, more } : site === "sampler" ? { site, sampler, more } : { site, more };
  }

  /** A site's name with what it means. */
  const siteInWords = (site) => (TITLES[site] ? `${site}: ${TITLES[site]}` : site);

  /** The settings that have texts in a block. */
  const of = (block) => block.cells.setting.map((number) => all[number]);

  /** A sampler with its temperature first, as people usually write it. */
  const samplerInWords = ({ sampler }) => sampler.split(", ").sort((a, b) => b.startsWith("temperature") - a.startsWith("temperature")).join(", ");

  /** The value that a slider changes. */
  const doseInWords = (setting) => (setting.isDosed ? String(setting.dose) : setting.site === "sampler" ? samplerInWords(setting) : "");

  /** A setting in a few words, without what all of its kind in a block have in common. */
  function inWords(setting, block) {
    const name = setting.site === "sampler" ? samplerInWords(setting) : `${setting.site} ${doseInWords(setting)}`.trim();
    return [name, ...differingIn(block).get(kindOf(setting)).map((field) => setting[field])].join(" · ");
  }

  const kindOf = ({ site, isDosed }) => (isDosed ? "dosed" : site);

  function differingIn(block) {
    if (!differing.has(block)) {
      differing.set(block, new Map([...Map.groupBy(of(block), kindOf)].map(([kind, some]) => [kind, fieldsThatDiffer(kind, some)])));
    }
    return differing.get(block);
  }

  const fieldsThatDiffer = (kind, some) => (kind === "dosed" ? ["profile", "noise", "more"] : ["more"]).filter((field) => some.some((one) => one[field] !== some[0][field]));

  return { FIELDS, take, all: () => all, of, wish, track, siteOrder, siteInWords, isDosed, doseInWords, inWords };
})();
