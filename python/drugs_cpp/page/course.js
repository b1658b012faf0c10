import { ratioAt } from "./profile.js";
import { MAX_COUNT, MAX_POINTS } from "./settings.js";

/**
 * How all doses go up and down with the tokens of an answer, of which the first is token 0.
 * @typedef {{points: {token: number, ratio: number}[], mode: string}} Course
 */

/** A course of these points, which may come in any order; undefined if the server would refuse them. */
export function courseOf(points, mode) {
  const tokens = new Set(points.map(({ token }) => token));
  const isWhole = points.every(({ token, ratio }) => Number.isInteger(token) && token >= 0 && token < MAX_COUNT && ratio >= 0 && Number.isFinite(ratio));
  const isCounted = points.length > 0 && points.length <= MAX_POINTS && tokens.size === points.length;
  return isWhole && isCounted ? { points: points.toSorted((a, b) => a.token - b.token), mode } : undefined;
}

/** The course in a text such as "0:1, 40:0.2"; undefined if it is not one. */
export function courseIn(text, mode) {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  const pairs = parts.map((part) => /^(\d+)\s*:\s*(\d+\.?\d*|\.\d+)$/.exec(part));
  return pairs.every(Boolean) ? courseOf(pairs.map(([, token, ratio]) => ({ token: Number(token), ratio: Number(ratio) })), mode) : undefined;
}

export const textOf = ({ points }) => points.map(({ token, ratio }) => `${token}:${ratio}`).join(", ");

/** The share of the doses that a token gets. */
export function ratioOf({ points, mode }, token) {
  return ratioAt({ points: points.map((point) => ({ depth: point.token, peakratio: point.ratio })), mode }, token);
}
