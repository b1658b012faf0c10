/**
 * The share of the dose that a depth gets. Before the first point and after the last one it is the share of that point.
 * @param {import("./settings.js").Shape | undefined} shape points sorted by depth; undefined is the full dose
 */
export function ratioAt(shape, depth) {
  if (!shape) {
    return 1;
  }
  const { points, mode } = shape;
  if (depth <= points[0].depth) {
    return points[0].peakratio;
  }
  const next = points.findIndex((point) => depth <= point.depth);
  if (next < 0 || depth === points.at(-1).depth) {
    return points.at(-1).peakratio;
  }
  return between(points[next - 1], points[next], mode, depth);
}

function between(low, high, mode, depth) {
  if (mode === "ceil") {
    return Math.max(low.peakratio, high.peakratio);
  }
  if (mode === "floor") {
    return Math.min(low.peakratio, high.peakratio);
  }
  const scale = Number.isFinite(high.depth - low.depth) ? 1 : 0.5; // points so far apart that the distance is not a number
  const way = (depth * scale - low.depth * scale) / (high.depth * scale - low.depth * scale);
  return low.peakratio + way * (high.peakratio - low.peakratio);
}

/** What each layer gets: layer i of n lies at depth i / n. */
export function ratiosOfLayers(shape, nLayer) {
  return Array.from({ length: nLayer }, (_, i) => ratioAt(shape, i / nLayer));
}

/** With one more point, in the middle of the widest gap and on the line. */
export function withPointInGap(shape) {
  const depths = [0, ...(shape?.points ?? []).map((point) => point.depth), 1];
  let widest = 0;
  for (let i = 1; i + 1 < depths.length; i++) {
    if (depths[i + 1] - depths[i] > depths[widest + 1] - depths[widest]) {
      widest = i;
    }
  }
  const depth = rounded((depths[widest] + depths[widest + 1]) / 2);
  return withPoint(shape, { depth, peakratio: rounded(ratioAt(shape, depth)) });
}

/** With one more point; the first one makes the profile. */
export function withPoint(shape, point) {
  return sorted([...(shape?.points ?? []), point], shape?.mode ?? "interpolate");
}

/** With point i elsewhere. */
export function withPointMoved(shape, i, point) {
  return sorted(shape.points.with(i, point), shape.mode);
}

/** Without point i; nothing is left of a profile without points. */
export function withoutPoint(shape, i) {
  const points = shape.points.filter((_, j) => j !== i);
  return points.length ? { ...shape, points } : undefined;
}

const sorted = (points, mode) => ({ points: points.toSorted((a, b) => a.depth - b.depth), mode });

/** As fine as a hand can draw, and short in an address. */
export const rounded = (value) => Math.round(value * 100) / 100;
