import { isSober } from "./doses.js";

/**
 * @typedef {{id: number, text: string, probability: number}} Likely
 * @typedef {{id: number | null, text: string, top: Likely[] | null}} Token
 *     the id is null where the server sent text without all of its tokens, as for a character made of several
 */

/** A text of the model while it is being written. */
export class Answer {
  /** @type {Token[]} */
  tokens = [];
  /** @type {"waiting" | "writing" | "done" | "cut" | "stopped" | "failed"} */
  status = "waiting";

  /** @param {object} drugs its doses; without any it is sober */
  constructor(drugs) {
    this.drugs = drugs;
  }

  get isSober() {
    return isSober(this.drugs);
  }

  get isEnded() {
    return this.status !== "waiting" && this.status !== "writing";
  }

  get text() {
    return this.tokens.map(({ text }) => text).join("");
  }

  /** Take a choice of a streamed chunk. */
  add(choice) {
    const text = choice.delta?.content;
    if (text) {
      this.status = "writing";
      this.tokens.push(...tokensOf(text, choice.logprobs?.content ?? []));
    }
    if (choice.finish_reason) {
      this.drugs = choice.drugs ?? this.drugs;
      this.status = choice.finish_reason === "length" ? "cut" : "done";
    }
  }

  /** Nothing more will come. */
  end(status) {
    if (!this.isEnded) {
      this.status = status;
    }
  }
}

function tokensOf(text, entries) {
  const isComplete = entries.length > 0 && entries.map(({ token }) => token).join("") === text;
  return isComplete && entries.every(isWhole)
    ? entries.map((entry) => ({ id: entry.id, text: entry.token, top: likelyOf(entry.top_logprobs) }))
    : [{ id: null, text, top: null }];
}

// for a character made of several tokens, the server sends the last token only, with the text of all
const isWhole = ({ id, token, top_logprobs: top }) => top.some((likely) => likely.id === id && likely.token === token);

/** @returns {Likely[]} */
export function likelyOf(logprobs) {
  return logprobs.map(({ id, token, bytes, logprob }) => ({ id, text: textOf(token, bytes), probability: Math.exp(logprob) }));
}

// a part of a character is shown as its bytes
function textOf(token, bytes) {
  const isText = new TextEncoder().encode(token).length === bytes.length && !token.includes("\ufffd");
  return isText ? token : bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
}
