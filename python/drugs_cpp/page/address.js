import { DEFAULTS, MAX_N, MAX_SEED, MODES, NOISES, VIEWS } from "./settings.js";
import { SITES } from "./sites.js";

const MAX_POINTS = 1000;

/** Settings as the part of the address after the "#"; a setting that has its usual value is left out. */
export function write(settings) {
  const parts = new URLSearchParams();
  writeDoses(parts, settings);
  parts.set("seed", settings.seed);
  const rest = {
    model: settings.model,
    noise: settings.noise,
    dose_inputs: settings.doseInputs,
    sober_interval: settings.soberInterval,
    length: settings.length,
    view: settings.view,
    n: settings.n,
    system: settings.system,
    prompt: settings.prompt,
  };
  const usual = { ...DEFAULTS, dose_inputs: DEFAULTS.doseInputs, sober_interval: DEFAULTS.soberInterval };
  for (const [name, value] of Object.entries(rest)) {
    if (value !== usual[name]) {
      parts.set(name, value);
    }
  }
  settings.messages.forEach((message) => parts.append("message", message));
  return parts.toString();
}

function writeDoses(parts, { doses, shapes }) {
  const dosed = SITES.filter(({ name }) => doses[name] > 0);
  for (const { name } of dosed) {
    parts.set(name, doses[name]);
    if (shapes[name]) {
      const numbers = shapes[name].points.flatMap(({ depth, peakratio }) => [depth, peakratio]);
      parts.set(`${name}.shape`, [shapes[name].mode, ...numbers].join("_"));
    }
  }
  if (dosed.length === 0) {
    parts.set(SITES[0].name, 0); // an address without doses means the usual one
  }
}

/** The settings in an address; what cannot be read is left out. */
export function read(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const found = {
    ...readDoses(parts),
    seed: integer(parts.get("seed"), 0, MAX_SEED),
    model: parts.get("model") ?? undefined,
    noise: oneOf(parts.get("noise"), NOISES),
    doseInputs: parts.has("dose_inputs") ? parts.get("dose_inputs") === "true" : undefined,
    soberInterval: integer(parts.get("sober_interval"), 1, 2 ** 31 - 1),
    length: integer(parts.get("length"), 1, 2 ** 31 - 1),
    view: oneOf(parts.get("view"), VIEWS),
    n: integer(parts.get("n"), 2, MAX_N),
    system: parts.get("system") ?? undefined,
    prompt: parts.get("prompt") ?? undefined,
    messages: parts.has("message") ? parts.getAll("message") : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function readDoses(parts) {
  const doses = {};
  const shapes = {};
  for (const { name } of SITES) {
    const theta = number(parts.get(name));
    if (theta === undefined) {
      continue;
    }
    doses[name] = theta;
    const shape = readShape(parts.get(`${name}.shape`));
    if (shape) {
      shapes[name] = shape;
    }
  }
  return Object.keys(doses).length ? { doses, shapes } : {};
}

function readShape(text) {
  const [mode, ...rest] = (text ?? "").split("_");
  const numbers = rest.map(number);
  const isWhole = numbers.length > 0 && numbers.length % 2 === 0 && numbers.length <= 2 * MAX_POINTS;
  if (!MODES.includes(mode) || !isWhole || numbers.includes(undefined)) {
    return undefined;
  }
  const points = [];
  for (let i = 0; i < numbers.length; i += 2) {
    points.push({ depth: numbers[i], peakratio: numbers[i + 1] });
  }
  return { points: points.sort((a, b) => a.depth - b.depth), mode };
}

function number(text) {
  return /^\d+(\.\d*)?(e-?\d+)?$/.test(text ?? "") && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function integer(text, least, most) {
  const value = number(text);
  return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
}

function oneOf(text, choices) {
  return choices.includes(text) ? text : undefined;
}
