import { SITES } from "./sites.js";

/**
 * The field "drugs" of a request.
 * @param {object} settings
 * @param {string[]} sites the sites of the model
 */
export function drugsOf(settings, sites) {
  const dosed = sites.filter((site) => settings.doses[site] > 0);
  if (dosed.length === 0) {
    return {};
  }
  const shaped = dosed.filter((site) => settings.shapes[site]);
  return {
    ...pick(settings.doses, dosed),
    ...(shaped.length ? { shape: pick(settings.shapes, shaped) } : {}),
    seed: settings.seed,
    noise: settings.noise,
    dose_inputs: settings.doseInputs,
    sober_interval: settings.soberInterval,
  };
}

const pick = (values, names) => Object.fromEntries(names.map((name) => [name, values[name]]));

export const isSober = (drugs) => !SITES.some(({ name }) => drugs[name] > 0);

/** Doses in few words. */
export function dosesInWords(drugs) {
  return SITES.filter(({ name }) => drugs[name] > 0).map(({ name }) => `${name} ${drugs[name]}`).join(" · ");
}

/** Doses and seed in few words. */
export function summary(drugs) {
  return isSober(drugs) ? "sober" : `${dosesInWords(drugs)} · seed ${drugs.seed}`;
}
