/** @typedef {{text: string, start: number, end: number}} Word */

const MOST = 4_000_000; // pairs of words that are compared; after that, all words count as different

/** @returns {Word[]} the words of a text and where they are in it */
export function words(text) {
  return Array.from(text.matchAll(/\S+/g), ({ 0: word, index }) => ({ text: word, start: index, end: index + word.length }));
}

/**
 * The words that the longest common subsequence of two texts leaves without a partner.
 * @returns {[Word[], Word[]]}
 */
export function differing(a, b) {
  let start = 0;
  while (start < a.length && start < b.length && a[start].text === b[start].text) {
    start++;
  }
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.length * restB.length <= MOST ? subsequence(restA, restB) : [restA, restB];
}

function subsequence(a, b) {
  const lengths = commonLengths(a, b);
  const width = b.length + 1;
  const [onlyA, onlyB] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i].text === b[j].text) {
      i++;
      j++;
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
      onlyA.push(a[i++]);
    } else {
      onlyB.push(b[j++]);
    }
  }
  return [[...onlyA, ...a.slice(i)], [...onlyB, ...b.slice(j)]];
}

// entry (i, j): how much a from i and b from j have in common
function commonLengths(a, b) {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i].text === b[j].text
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  return lengths;
}
