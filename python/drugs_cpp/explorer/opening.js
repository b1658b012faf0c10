"use strict";

/** What the two sides show if the URL says nothing: no dose next to the middle one of a site's doses, with texts that differ. */
explorer.opening = (() => {
  const { settings, nearest } = explorer;

  /** The wishes of both sides, as far as they can be chosen without the texts. */
  function sides(there) {
    const dosed = there.filter(({ isDosed }) => isDosed);
    const track = dosed.length ? settings.track(dosed, dosed.find(({ site }) => site === "A") ?? dosed[0]) : there;
    const second = track[Math.floor(track.length / 2)];
    const first = there.find(({ site }) => site === "sober") ?? track.find((one) => one !== second) ?? second;
    const { site, dose, profile, noise, more } = second;
    const wish = { site, dose, sampler: "", profile, noise, more, seed: undefined };
    return [first, second].map((setting) => ({ ...wish, ...settings.wish(setting) }));
  }

  /**
   * The setting and the seed nearest to those of the second side whose text differs from that of the first.
   * @param {string} text of the first side
   * @returns {{setting: import("./settings.js").Setting, seed: number} | undefined} undefined: there is none
   */
  function differing(text, { columns, rows }, there, { setting, seed }) {
    for (const other of byDistance(there, setting)) {
      const some = rows.get(other.number);
      const from = nearest.row(some, columns.seed, seed);
      const row = [from, ...some].find((one) => columns.text[one] !== text && columns.text[one].trim() !== "");
      if (row !== undefined) {
        return { setting: other, seed: columns.seed[row] };
      }
    }
    return undefined;
  }

  /** Settings with a dose, the nearest first: those on the same slider, then the others. */
  function byDistance(there, setting) {
    const dosed = there.filter(({ isDosed }) => isDosed);
    const wish = { ...setting, sampler: "" };
    const distances = new Map(dosed.map((one) => [one, nearest.distance(one, wish)]));
    return dosed.sort((a, b) => distances.get(a) - distances.get(b));
  }

  return { sides, differing };
})();
