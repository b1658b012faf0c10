/**
 * How many tokens two texts have in common at their beginning.
 * @param {import("./answer.js").Token[]} a
 * @param {import("./answer.js").Token[]} b
 */
export function common(a, b) {
  const least = Math.min(a.length, b.length);
  let n = 0;
  while (n < least && a[n].id === b[n].id && a[n].text === b[n].text) {
    n++;
  }
  return n;
}

/**
 * The mean KL(sober ‖ dosed) of the next token in nats, as far as both texts are the same and one token further. The most likely
 * tokens are known, and the others count as one, which cannot make it larger: it is a lower bound.
 * @returns {number | null} null where nothing is known
 */
function leastKl(sober, dosed) {
  const n = Math.min(common(sober, dosed) + 1, sober.length, dosed.length);
  const found = Array.from({ length: n }, (_, i) => klAt(sober[i].top, dosed[i].top)).filter((kl) => kl !== null);
  return found.length ? found.reduce((sum, kl) => sum + kl, 0) / found.length : null;
}

function klAt(sober, dosed) {
  if (!sober?.length || !dosed?.length) {
    return null;
  }
  const other = new Map(dosed.map(({ id, probability }) => [id, probability]));
  let [kl, restSober, restDosed] = [0, 1, 1];
  for (const { id, probability } of sober) {
    if (other.has(id)) {
      kl += part(probability, other.get(id));
      restSober -= probability;
      restDosed -= other.get(id);
    }
  }
  return Math.max(kl + part(Math.max(restSober, 0), Math.max(restDosed, 0)), 0);
}

const LEAST = 1e-12; // probabilities are rounded

const part = (p, q) => (p > LEAST ? p * Math.log(p / Math.max(q, LEAST)) : 0);

/**
 * What was measured of an answer, in words.
 * @param {import("./answer.js").Answer} answer
 * @param {import("./answer.js").Answer | undefined} sober the sober answer to the same message, if there is another one
 */
export function measuresOf(answer, sober) {
  const { tokens, rate } = answer;
  const words = [`${tokens.length} ${tokens.length === 1 ? "token" : "tokens"}`];
  if (rate !== null) {
    words.push(`${rate.toFixed(1)} tokens/s`);
  }
  if (sober?.hasText && answer.hasText) {
    words.push(...comparison(answer, sober));
  }
  return words.join(" · ");
}

function comparison({ tokens, isEnded }, sober) {
  const n = common(tokens, sober.tokens);
  const isSame = n === tokens.length && n === sober.tokens.length;
  if (isSame && !(isEnded && sober.isEnded)) {
    return [];
  }
  const kl = leastKl(sober.tokens, tokens);
  const said = kl === null ? "" : `KL ≥ ${kl.toPrecision(2)} nats a token`;
  return (isSame ? ["the same text as the sober one", said] : [`differs from token ${n + 1} on`, said && `${said} up to there`]).filter(Boolean);
}
