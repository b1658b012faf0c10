import { dosesInWords, isSober, summary } from "./doses.js";
import { nameOf } from "./keeper.js";

const FORMAT = "drugs-conversation";
const STATUSES = ["done", "cut", "stopped", "failed", "edited", "waiting", "writing"];
const VIEWS = ["chat", "side", "variations"];

/** A conversation as a JSON file, which can be imported again. */
export function toJson({ name, turns }) {
  return `${JSON.stringify({ format: FORMAT, version: 1, name, turns }, null, 1)}\n`;
}

/** A conversation as Markdown, to be read. */
export function toMarkdown({ name, turns }) {
  const parts = turns.flatMap(({ user, answers }) => [`**You**\n\n${user}`, ...answers.map(answerInMarkdown)]);
  return `${[`# ${name}`, ...parts].join("\n\n")}\n`;
}

function answerInMarkdown({ drugs, tokens }) {
  const title = isSober(drugs) ? "**Sober**" : `**Dosed** (${summary(drugs) || dosesInWords(drugs)})`;
  return `${title}\n\n${tokens.map(({ text }) => text).join("").trim()}`;
}

/**
 * The conversation in a JSON file.
 * @returns {{name: string, turns: object[]}}
 */
export function fromJson(text, fileName) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    throw new Error(`${fileName} is not JSON: choose a file that "Export as JSON" has written.`);
  }
  if (found?.format !== FORMAT || !Array.isArray(found.turns) || !found.turns.every(isTurn)) {
    throw new Error(`${fileName} is not a conversation: choose a file that "Export as JSON" has written.`);
  }
  return { name: typeof found.name === "string" ? found.name : nameOf(found.turns), turns: found.turns };
}

const isTurn = (turn) => isObject(turn) && typeof turn.user === "string" && typeof turn.error === "string" && isObject(turn.sober)
  && VIEWS.includes(turn.view) && Number.isInteger(turn.kept) && isPrompt(turn.prompt) && Array.isArray(turn.answers) && turn.answers.every(isAnswer);

const isPrompt = (prompt) => prompt === null || (isObject(prompt) && (typeof prompt.text === "string" || Array.isArray(prompt.messages)));

const isAnswer = (answer) => isObject(answer) && isObject(answer.drugs) && STATUSES.includes(answer.status)
  && Array.isArray(answer.tokens) && answer.tokens.every(isToken);

const isToken = (token) => isObject(token) && typeof token.text === "string" && (token.id === null || Number.isInteger(token.id))
  && (token.top === null || (Array.isArray(token.top) && token.top.every(isLikely)));

const isLikely = (likely) => isObject(likely) && Number.isInteger(likely.id) && typeof likely.text === "string" && typeof likely.probability === "number";

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Offer a text to be saved as a file. */
export function download(text, name, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A name that every system takes for a file. */
export const fileName = (name) => name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 50) || "conversation";
