import { isSober, summary } from "./doses.js";
import { nameOf } from "./keeper.js";
import { samplerInWords } from "./sampler.js";
import { isTurns } from "./saved.js";

const FORMAT = "drugs-conversation";
const VERSION = 1;

/** A conversation as a JSON file, which can be imported again. */
export function toJson({ name, turns }) {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, name, turns }, null, 1)}\n`;
}

/** A conversation as Markdown, to be read. */
export function toMarkdown({ name, turns }) {
  const parts = turns.flatMap(({ user, answers }) => [`**You**\n\n${user}`, ...answers.map(answerInMarkdown)]);
  return `${[`# ${name}`, ...parts].join("\n\n")}\n`;
}

function answerInMarkdown({ drugs, sampler, tokens }) {
  const how = [isSober(drugs) ? "" : summary(drugs), samplerInWords(sampler)].filter((words) => words !== "").join(" · ");
  const title = isSober(drugs) ? "**Sober**" : "**Dosed**";
  return `${title}${how && ` (${how})`}\n\n${tokens.map(({ text }) => text).join("").trim()}`;
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
  if (found?.format === FORMAT && found.version > VERSION) {
    throw new Error(`${fileName} has version ${found.version} of this kind of file, and this page reads version ${VERSION}: use a newer one.`);
  }
  if (found?.format !== FORMAT || !isTurns(found.turns)) {
    throw new Error(`${fileName} is not a conversation: choose a file that "Export as JSON" has written.`);
  }
  return { name: typeof found.name === "string" ? found.name : nameOf(found.turns), turns: found.turns };
}

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
