"use strict";

/**
 * What was measured for the texts of a setting.
 * @typedef {{name: string, title: string, means: string, digits: number, of: (cells: object) => (number | null)[]}} Measure
 */
explorer.measures = (() => {
  const COHERENCE = "log_likelihood";
  const DIVERSITY = ["vendi", "self_bleu", "distinct_2"];

  const given = (name) => ({ measures, setting }) => measures[name] ?? setting.map(() => null);
  const less = (name) => ({ measures, setting }) => given(name)({ measures, setting }).map((value) => (value === null ? null : 1 - value));

  /** @type {Measure[]} */
  const ALL = [
    { name: COHERENCE, title: "Coherence", means: "how likely the texts are under the sober model: mean log-probability of a token, at most 0", digits: 2, of: given(COHERENCE) },
    { name: "vendi", title: "Diversity (Vendi score)", means: "effective number of different texts", digits: 2, of: given("vendi") },
    { name: "self_bleu", title: "Diversity (1 − self-BLEU)", means: "how little the texts have in common", digits: 2, of: less("self_bleu") },
    { name: "distinct_2", title: "Diversity (distinct pairs)", means: "number of different pairs of words over the number of all", digits: 2, of: given("distinct_2") },
    { name: "parted", title: "First token that differs", means: "mean position at which texts start to differ from the sober one", digits: 0, of: given("parted") },
    { name: "repeated", title: "Repetition", means: "share of 4-grams of words that occurred earlier in the text", digits: 2, of: given("repeated") },
    { name: "compressibility", title: "Compressibility", means: "compressed size over original size", digits: 2, of: given("compressibility") },
    { name: "distinct_1", title: "Distinct words", means: "number of different words over the number of all", digits: 2, of: given("distinct_1") },
    { name: "n_tokens", title: "Length", means: "mean number of tokens", digits: 0, of: given("n_tokens") },
    { name: "n_texts", title: "Texts", means: "number of texts", digits: 0, of: (cells) => cells.n_texts },
  ];

  const cached = new WeakMap();

  /** The values of a measure, one for each cell of a block. */
  function values(block, name) {
    if (!cached.has(block)) {
      cached.set(block, new Map());
    }
    const known = cached.get(block);
    if (!known.has(name)) {
      known.set(name, named(name).of(block.cells));
    }
    return known.get(name);
  }

  const named = (name) => ALL.find((measure) => measure.name === name);

  /** Measures that some block has. */
  const available = ({ blocks }) => ALL.filter(({ of }) => blocks.some(({ cells }) => of(cells).some((value) => value !== null)));

  const isOfDiversity = ({ name }) => DIVERSITY.includes(name);

  /** The same measures, with those of diversity first. */
  const diverseFirst = (some) => [...some.filter(isOfDiversity), ...some.filter((measure) => !isOfDiversity(measure))];

  /** The measure with this name if there is one, otherwise the first. */
  const among = (some, name) => (some.find((measure) => measure.name === name) ?? some[0]).name;

  /** Measures that a block has. */
  const of = (block) => ALL.filter(({ name }) => values(block, name).some((value) => value !== null));

  /**
   * What the map and the plot show for a block: the chosen measures, or for one that the block lacks, the first that it has.
   * A rectangle belongs to the two measures that it was drawn for.
   */
  function shownOf(block, { measure, x, y, brush }) {
    const some = of(block);
    const notDiverse = some.filter((one) => !isOfDiversity(one));
    const isThere = some.some(({ name }) => name === x);
    const shown = { measure: among(some, measure), x: isThere ? x : among(notDiverse, x), y: among(diverseFirst(some), y) };
    const isOther = (axis, wish) => wish !== "" && wish !== axis;
    return { ...shown, brush: isOther(shown.x, x) || isOther(shown.y, y) ? null : brush };
  }

  /** A number for display. */
  function shown(value, digits) {
    return value === null || value === undefined ? "–" : value.toFixed(digits).replace("-", "−");
  }

  /** The smallest and the largest known value; undefined if none is known. */
  function range(some) {
    const known = some.filter((value) => value !== null);
    return known.length ? [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))] : undefined;
  }

  /** Whether each cell of a block is inside the brush; without a brush, all are. */
  function inBrush(block, { brush, x, y }) {
    if (!brush) {
      return block.cells.setting.map(() => true);
    }
    const [xs, ys] = [values(block, x), values(block, y)];
    const isIn = (value, from, to) => value !== null && value >= from && value <= to;
    return xs.map((value, i) => isIn(value, brush[0], brush[1]) && isIn(ys[i], brush[2], brush[3]));
  }

  return { values, named, available, diverseFirst, of, shownOf, shown, range, inBrush };
})();
