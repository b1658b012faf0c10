import { textOf } from "./course.js";
import { DEFAULTS } from "./settings.js";

const LONG = 6; // points of a course

/** How to write each setting that says, beside doses and seed, what a dose does. Settings and JSON have the same names. */
const WORDS = {
  noise: String,
  hold: (hold) => (typeof hold === "object" ? holdsInWords(hold) : String(hold)),
  layers: String,
  course: (course) => courseInWords(course),
  angle: String,
  turn: String,
  apart: String,
};

/**
 * What of them is not as usual.
 * @param {object} values settings, or a field "drugs"
 * @returns {{name: string, words: string}[]}
 */
export function othersOf(values) {
  return Object.keys(WORDS)
    .filter((name) => (values[name] ?? DEFAULTS[name]) !== DEFAULTS[name])
    .map((name) => ({ name, words: `${name} ${WORDS[name](values[name])}` }));
}

/** A hold by site: "A text, H 8". */
export const holdsInWords = (hold) => Object.entries(hold).map(([site, n]) => `${site} ${n}`).join(", ");

function courseInWords(course) {
  const text = course.points.length > LONG ? `of ${course.points.length} points` : textOf(course);
  return course.mode === "interpolate" ? text : `${text} (${course.mode})`;
}
