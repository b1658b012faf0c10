"use strict";

/**
 * How two texts differ, in pieces that make sense to a reader.
 * @typedef {{text: string, start: number, end: number}} Word
 * @typedef {{a: [number, number], b: [number, number]}} Hunk words from, up to: what differs, on each side
 */
explorer.diff = (() => {
  // scripts without spaces between words: each letter counts as a word
  const LETTER = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}";
  const WORD = new RegExp(`[${LETTER}]|(?:(?![${LETTER}])[\\p{L}\\p{M}\\p{N}_'’-])+|\\S`, "gu");
  const MOST = 16e6; // pairs of words; comparing more takes too long while a slider moves

  /** @returns {Word[]} the words and punctuation marks of a text, with their positions */
  const words = (text) => Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({ text: word, start: index, end: index + word.length }));

  /**
   * The differences, in order; the words between two hunks are the same on both sides.
   * @param {Word[]} a
   * @param {Word[]} b
   * @returns {Hunk[]}
   */
  function hunks(a, b) {
    return alignedToSentences(withoutIslands(rawHunks(a, b), a, b), a, b);
  }

  function rawHunks(a, b) {
    const shorter = Math.min(a.length, b.length);
    let start = 0;
    while (start < shorter && a[start].text === b[start].text) {
      start++;
    }
    let same = 0;
    while (same < shorter - start && a.at(-1 - same).text === b.at(-1 - same).text) {
      same++;
    }
    const [endA, endB] = [a.length - same, b.length - same];
    if (start === endA && start === endB) {
      return [];
    }
    const whole = { a: [start, endA], b: [start, endB] };
    return (endA - start) * (endB - start) > MOST ? [whole] : between(a, b, whole);
  }

  /** The hunks in a part, by the longest common subsequence. */
  function between(a, b, { a: [startA, endA], b: [startB, endB] }) {
    const width = endB - startB + 1;
    const lengths = commonLengths(a.slice(startA, endA), b.slice(startB, endB));
    const found = [];
    let [i, j] = [startA, startB];
    let open = null;
    while (i < endA || j < endB) {
      if (i < endA && j < endB && a[i].text === b[j].text) {
        open = null;
        [i, j] = [i + 1, j + 1];
        continue;
      }
      if (!open) {
        open = { a: [i, i], b: [j, j] };
        found.push(open);
      }
      const place = (i - startA) * width + j - startB;
      if (j === endB || (i < endA && lengths[place + width] >= lengths[place + 1])) {
        open.a[1] = ++i;
      } else {
        open.b[1] = ++j;
      }
    }
    return found;
  }

  // entry (i, j): how many words a from i and b from j have in common, in the same order
  function commonLengths(a, b) {
    const width = b.length + 1;
    const lengths = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        lengths[i * width + j] = a[i].text === b[j].text
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
      }
    }
    return lengths;
  }

  const size = (words) => words.reduce((sum, { text }) => sum + (/[\p{L}\p{N}]/u.test(text) ? text.length : 0), 0);

  /**
   * Joins two hunks if the words between them, which both sides share, are few compared with the differences before and after: an
   * "and" that two sentences happen to share means nothing. A joined hunk is larger and may absorb the next such island, so this is
   * repeated until nothing is joined.
   */
  function withoutIslands(found, a, b, before = Infinity) {
    const joined = [];
    for (const hunk of found) {
      const last = joined.at(-1);
      if (last && isIsland(size(a.slice(last.a[1], hunk.a[0])), weight(last, a, b), weight(hunk, a, b))) {
        last.a[1] = hunk.a[1];
        last.b[1] = hunk.b[1];
      } else {
        joined.push({ a: [...hunk.a], b: [...hunk.b] });
      }
    }
    return joined.length < before && joined.length > 1 ? withoutIslands(joined, a, b, joined.length) : joined;
  }

  // small compared with both, or tiny compared with one of them
  const isIsland = (same, before, after) => same <= Math.min(before, after) || 4 * same <= Math.max(before, after);

  // what only one side has disturbs a reader less than what replaces something
  function weight(hunk, a, b) {
    const [sizeA, sizeB] = [size(a.slice(...hunk.a)), size(b.slice(...hunk.b))];
    return Math.max(sizeA, sizeB) / (Math.min(sizeA, sizeB) ? 1 : 3);
  }

  /** What only one side has can often be shifted by a few words: "the cat [sat. the cat] ran" or "[the cat sat.] the cat ran". */
  function alignedToSentences(found, a, b) {
    found.forEach((hunk, i) => {
      const [own, other] = hunk.a[0] === hunk.a[1] ? ["b", "a"] : ["a", "b"];
      if (hunk[other][0] === hunk[other][1]) {
        const words = own === "a" ? a : b;
        const least = i ? found[i - 1][own][1] : -1; // at least one word stays between two hunks
        const most = i + 1 < found.length ? found[i + 1][own][0] : words.length + 1;
        const by = bestShift(words, hunk[own], least, most);
        hunk[own] = hunk[own].map((place) => place + by);
        hunk[other] = hunk[other].map((place) => place + by);
      }
    });
    return found;
  }

  function bestShift(words, [start, end], least, most) {
    let [best, score] = [0, boundary(words, start, end)];
    const look = (by) => {
      const other = boundary(words, start + by, end + by);
      if (other > score) {
        [best, score] = [by, other];
      }
    };
    for (let by = -1; start + by > least && words[start + by].text === words[end + by].text; by--) {
      look(by);
    }
    for (let by = 1; end + by < most && words[start + by - 1].text === words[end + by - 1].text; by++) {
      look(by);
    }
    return best;
  }

  // whether a piece begins after the end of a sentence, or at least of a clause, and ends with one
  function boundary(words, start, end) {
    return ending(words[start - 1]) + ending(words[end - 1]);
  }

  const ending = (word) => (!word || /^[.!?…。！？]$/u.test(word.text) ? 2 : /^[,;:—–]$/u.test(word.text) ? 1 : 0);

  return { words, hunks };
})();
