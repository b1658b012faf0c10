import { courseOf } from "./course.js";
import { ANGLES, DEFAULTS, DOSE_INPUTS, LAYERS, MAX_COUNT, MAX_N, MAX_POINTS, MAX_SEED, MESSAGES_AS, MODES, NOISES, TURNS, VIEWS } from "./settings.js";
import { SITES } from "./sites.js";

/**
 * Settings as the part of the address after the "#"; a setting that has its usual value is left out.
 * @param {object} settings
 * @param {string[]} messages of the user, for a link
 */
export function write(settings, messages = []) {
  const parts = new URLSearchParams();
  writeDoses(parts, settings);
  writeHolds(parts, settings.hold);
  parts.set("seed", settings.seed);
  const rest = {
    model: settings.model,
    noise: settings.noise,
    hold: typeof settings.hold === "object" ? DEFAULTS.hold : settings.hold,
    layers: settings.layers,
    course: settings.course && packed(settings.course, "token", "ratio"),
    angle: settings.angle,
    turn: settings.turn,
    apart: settings.apart,
    dose_inputs: settings.doseInputs,
    sober_interval: settings.soberInterval,
    length: settings.length,
    temperature: settings.temperature,
    top_p: settings.topP,
    min_p: settings.minP,
    top_k: settings.topK,
    messages_as: settings.messagesAs,
    view: settings.view,
    formatted: settings.isFormatted,
    n: settings.n,
    system: settings.system,
    prompt: settings.prompt,
  };
  const usual = { ...DEFAULTS, dose_inputs: DEFAULTS.doseInputs, sober_interval: DEFAULTS.soberInterval, top_p: DEFAULTS.topP, min_p: DEFAULTS.minP,
    top_k: DEFAULTS.topK, messages_as: DEFAULTS.messagesAs, formatted: DEFAULTS.isFormatted };
  for (const [name, value] of Object.entries(rest)) {
    if (value !== usual[name]) {
      parts.set(name, value);
    }
  }
  messages.forEach((message) => parts.append("message", message));
  return parts.toString();
}

function writeDoses(parts, { doses, shapes }) {
  const dosed = SITES.filter(({ name }) => doses[name] > 0);
  for (const { name } of dosed) {
    parts.set(name, doses[name]);
    if (shapes[name]) {
      parts.set(`${name}.shape`, packed(shapes[name], "depth", "peakratio"));
    }
  }
  if (dosed.length === 0) {
    parts.set(SITES[0].name, 0); // an address without doses means the usual one
  }
}

function writeHolds(parts, hold) {
  if (typeof hold === "object") {
    Object.entries(hold).forEach(([site, n]) => parts.set(`${site}.hold`, n));
  }
}

const packed = ({ points, mode }, x, y) => [mode, ...points.flatMap((point) => [point[x], point[y]])].join("_");

/** The settings in an address; what cannot be read is left out. */
export function read(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const found = {
    ...readDoses(parts),
    seed: integer(parts.get("seed"), 0, MAX_SEED),
    model: parts.get("model") ?? undefined,
    noise: oneOf(parts.get("noise"), NOISES),
    hold: readHolds(parts) ?? readHold(parts.get("hold")),
    layers: oneOf(parts.get("layers"), LAYERS),
    course: readCourse(parts.get("course")),
    angle: oneOf(parts.get("angle"), ANGLES),
    turn: oneOf(parts.get("turn"), TURNS),
    apart: integer(parts.get("apart"), 1, MAX_COUNT),
    doseInputs: DOSE_INPUTS.find((choice) => String(choice) === parts.get("dose_inputs")),
    soberInterval: integer(parts.get("sober_interval"), 1, MAX_COUNT),
    length: integer(parts.get("length"), 1, MAX_COUNT),
    temperature: inRange(parts.get("temperature"), 10),
    topP: inRange(parts.get("top_p"), 1),
    minP: inRange(parts.get("min_p"), 1),
    topK: integer(parts.get("top_k"), 0, MAX_COUNT),
    messagesAs: oneOf(parts.get("messages_as"), MESSAGES_AS),
    view: oneOf(parts.get("view"), VIEWS),
    isFormatted: { true: true, false: false }[parts.get("formatted")],
    n: integer(parts.get("n"), 2, MAX_N),
    system: parts.get("system") ?? undefined,
    prompt: parts.get("prompt") ?? undefined,
    messages: parts.has("message") ? parts.getAll("message").filter((message) => message.trim() !== "") : undefined,
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
  const { points, mode } = unpacked(text, "depth", "peakratio") ?? {};
  return points && { points: points.sort((a, b) => a.depth - b.depth), mode };
}

function readCourse(text) {
  const { points, mode } = unpacked(text, "token", "ratio") ?? {};
  return points && courseOf(points, mode);
}

function unpacked(text, x, y) {
  const [mode, ...rest] = (text ?? "").split("_");
  const numbers = rest.map(number);
  const isWhole = numbers.length > 0 && numbers.length % 2 === 0 && numbers.length <= 2 * MAX_POINTS;
  if (!MODES.includes(mode) || !isWhole || numbers.includes(undefined)) {
    return undefined;
  }
  const points = [];
  for (let i = 0; i < numbers.length; i += 2) {
    points.push({ [x]: numbers[i], [y]: numbers[i + 1] });
  }
  return { points, mode };
}

function readHolds(parts) {
  const found = SITES.map(({ name }) => [name, readHold(parts.get(`${name}.hold`))]).filter(([, hold]) => hold !== undefined);
  return found.length ? Object.fromEntries(found) : undefined;
}

const readHold = (text) => (text === "text" ? text : integer(text, 1, MAX_COUNT));

function number(text) {
  return /^\d+(\.\d*)?(e-?\d+)?$/.test(text ?? "") && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function integer(text, least, most) {
  const value = number(text);
  return Number.isInteger(value) && value >= least && value <= most ? value : undefined;
}

function inRange(text, most) {
  const value = number(text);
  return value <= most ? value : undefined;
}

function oneOf(text, choices) {
  return choices.includes(text) ? text : undefined;
}
