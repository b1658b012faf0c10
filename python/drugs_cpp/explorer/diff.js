"use strict";

/**
 * How two texts differ, in pieces that make sense to a reader.
 * @typedef {{text: string, start: number, end: number}} Word
 * @typedef {{a: [number, number], b: [number, number]}} Hunk words from, up to: what stands on one side and not on the other
 */
explorer.diff = (() => {
  // scripts without spaces between words: each letter counts as one
  const LETTER = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}";
  const WORD = new RegExp(`[${LETTER}]|(?:(?![${LETTER}])[\\p{L}\\p{M}\\p{N}_'’-])+|\\S`, "gu");
  const MOST = 16e6; // pairs of words that are compared; more are too slow for a slider

  /** @returns {Word[]} the words and signs of a text, and where they are in it */
  const words = (text) => Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({ text: word, start: index, end: index + word.length }));

  /**
   * What differs, in order; words between two hunks are the same on both sides.
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

  /** Hunks inside a part, by the longest common subsequence. */
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

  // entry (i, j): how much a from i and b from j have in common
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
   * Joins hunks where little is the same between them beside what differs before and after: an "and" that two sentences happen to
   * share says nothing. What joins grows, and may take in the next island, so joining begins again until nothing does.
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

  // small beside both, or next to nothing beside one of them
  const isIsland = (same, before, after) => same <= Math.min(before, after) || 4 * same <= Math.max(before, after);

  // what only one side has breaks the reading less than what replaces something
  function weight(hunk, a, b) {
    const [sizeA, sizeB] = [size(a.slice(...hunk.a)), size(b.slice(...hunk.b))];
    return Math.max(sizeA, sizeB) / (Math.min(sizeA, sizeB) ? 1 : 3);
  }

  /** What only one side has can often be moved by some words: "the cat [sat. the cat] ran" or "[the cat sat.] the cat ran". */
  function alignedToSentences(found, a, b) {
    found.forEach((hunk, i) => {
      const [own, other] = hunk.a[0] === hunk.a[1] ? ["b", "a"] : ["a", "b"];
      if (hunk[other][0] === hunk[other][1]) {
        const words = own === "a" ? a : b;
        const least = i ? found[i - 1][own][1] : -1; // a word stays between two hunks
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

  // how well a piece begins after the end of a sentence, or at least of a clause, and ends with one
  function boundary(words, start, end) {
    return ending(words[start - 1]) + ending(words[end - 1]);
  }

  const ending = (word) => (!word || /^[.!?…。！？]$/u.test(word.text) ? 2 : /^[,;:—–]$/u.test(word.text) ? 1 : 0);

  return { words, hunks };
})();
