import { MODES } from "./settings.js";
import { SITES } from "./sites.js";

/** Whether what was kept, or read from a file, is what this page keeps. A file can hold anything. */
export const isTurns = (turns) => Array.isArray(turns) && turns.every(isTurn);

const STATUSES = ["done", "cut", "stopped", "failed", "edited", "waiting", "writing"];
const VIEWS = ["chat", "side", "variations"];
const TEXTS = ["noise", "layers", "angle", "turn", "source"];
const NUMBERS = [...SITES.map(({ name }) => name), "seed", "apart", "multiplier", "sober_interval"];

const isTurn = (turn) => isObject(turn) && typeof turn.user === "string" && typeof turn.error === "string" && isDrugs(turn.sober)
  && VIEWS.includes(turn.view) && isPrompt(turn.prompt) && Array.isArray(turn.answers) && turn.answers.every(isAnswer)
  && Number.isInteger(turn.kept) && turn.kept >= 0 && turn.kept <= turn.answers.length;

const isPrompt = (prompt) => prompt === null || (isObject(prompt) && (typeof prompt.text === "string" || isMessages(prompt.messages)));

const isMessages = (messages) => Array.isArray(messages)
  && messages.every((message) => isObject(message) && typeof message.role === "string" && typeof message.content === "string");

const isAnswer = (answer) => isObject(answer) && isDrugs(answer.drugs) && STATUSES.includes(answer.status)
  && isOptional(answer.sampler, isObject) && [answer.first, answer.last].every((time) => isOptional(time, isNumber))
  && Array.isArray(answer.tokens) && answer.tokens.every(isToken);

const isDrugs = (drugs) => isObject(drugs)
  && NUMBERS.every((name) => isOptional(drugs[name], isNumber)) && TEXTS.every((name) => isOptional(drugs[name], isText))
  && isOptional(drugs.hold, (hold) => isHold(hold) || (isObject(hold) && Object.values(hold).every(isHold)))
  && isOptional(drugs.course, isCourse) && isOptional(drugs.shape, isObject);

const isHold = (hold) => isNumber(hold) || hold === "text";

const isCourse = (course) => isObject(course) && MODES.includes(course.mode ?? MODES[0]) && Array.isArray(course.points)
  && course.points.every((point) => isObject(point) && isNumber(point.token) && isNumber(point.ratio));

const isToken = (token) => isObject(token) && typeof token.text === "string" && (token.id === null || Number.isInteger(token.id))
  && (token.top === null || (Array.isArray(token.top) && token.top.every(isLikely)));

const isLikely = (likely) => isObject(likely) && Number.isInteger(likely.id) && isText(likely.text) && isNumber(likely.probability);

const isOptional = (value, is) => value === undefined || value === null || is(value);

const isText = (value) => typeof value === "string";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
