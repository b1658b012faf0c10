import { othersOf } from "./others.js";
import { DEFAULTS } from "./settings.js";
import { SITES } from "./sites.js";

/** Settings that a request leaves out where they are as usual, whatever the server was started with. */
const LEFT_OUT = ["hold", "layers", "course", "angle", "turn", "apart"];

/**
 * The field "drugs" of a request.
 * @param {object} settings
 * @param {string[]} sites the sites of the model
 */
export function drugsOf(settings, sites) {
  const dosed = sites.filter((site) => settings.doses[site] > 0 && isEverDosed(settings, site));
  if (dosed.length === 0) {
    return {};
  }
  const shaped = dosed.filter((site) => settings.shapes[site]);
  return {
    ...pick(settings.doses, dosed),
    ...(shaped.length ? { shape: pick(settings.shapes, shaped) } : {}),
    ...pick(settings, LEFT_OUT.filter((name) => settings[name] !== DEFAULTS[name])),
    seed: settings.seed,
    noise: settings.noise,
    dose_inputs: settings.doseInputs,
    sober_interval: settings.soberInterval,
  };
}

// the server calls a dose sober that is 0 in all layers or at all times, and samples it as it does sober ones
function isEverDosed({ shapes, course }, site) {
  return (shapes[site]?.points ?? [{ peakratio: 1 }]).some(({ peakratio }) => peakratio > 0)
    && (course?.points ?? [{ ratio: 1 }]).some(({ ratio }) => ratio > 0);
}

/**
 * The other way round: the settings in a field "drugs" that the server sends.
 * @param {string[]} sites the sites of the model
 */
export function settingsOf({ shape, multiplier = 1, ...drugs }, sites) {
  const { seed, noise, dose_inputs: doseInputs, sober_interval: soberInterval } = drugs;
  const doses = Object.fromEntries(sites.filter((site) => drugs[site]).map((site) => [site, drugs[site] * multiplier]));
  const given = { seed, noise, doseInputs, soberInterval, ...pick(drugs, LEFT_OUT) };
  return { doses, shapes: shape ?? {}, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

const pick = (values, names) => Object.fromEntries(names.map((name) => [name, values[name]]));

export const isSober = (drugs) => !SITES.some(({ name }) => drugs[name] > 0);

/** Doses, and how they differ from usual ones, in few words. */
export function dosesInWords(drugs) {
  const doses = SITES.filter(({ name }) => drugs[name] > 0).map(({ name }) => `${name} ${drugs[name]}`);
  const inputs = drugs.dose_inputs ? [`dose_inputs ${drugs.dose_inputs}`] : [];
  return [...doses, ...othersOf(drugs).map(({ words }) => words), ...inputs].join(" · ");
}

/** Doses and seed in few words. */
export function summary(drugs) {
  return isSober(drugs) ? "sober" : `${dosesInWords(drugs)} · seed ${drugs.seed}`;
}
