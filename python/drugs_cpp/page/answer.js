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
  /** @type {"waiting" | "writing" | "done" | "cut" | "stopped" | "failed" | "edited"} */
  status = "waiting";
  /** when its first and its last token came, in ms; null: not measured */
  first = null;
  last = null;

  /**
   * @param {object} drugs its doses; without any it is sober
   * @param {object | null} sampler options of the sampler; null: the most likely token every time
   */
  constructor(drugs, sampler = null) {
    this.drugs = drugs;
    this.sampler = sampler;
  }

  /** An answer that was kept; one that was being written has stopped. */
  static from({ drugs, sampler, status, tokens, first, last }) {
    const answer = Object.assign(new Answer(drugs, sampler), { status, tokens, first, last });
    answer.end("stopped");
    return answer;
  }

  /** An answer that the user has written. */
  static edited(drugs, text) {
    return Object.assign(new Answer(drugs), { status: "edited", tokens: Array.from(text.match(/\s*\S+|\s+$/g), (word) => ({ id: null, text: word, top: null })) });
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

  /** Whether there is something that a conversation can go on from. */
  get hasText() {
    return this.tokens.some(({ text }) => text.trim() !== "");
  }

  /** Tokens a second, after the first one; null before there are two. */
  get rate() {
    return this.last > this.first ? (1000 * (this.tokens.length - 1)) / (this.last - this.first) : null;
  }

  /** What is kept of it. */
  toJSON() {
    const { drugs, sampler, status, tokens, first, last } = this;
    return { drugs, sampler, status, tokens, first, last };
  }

  /** Take a choice of a streamed chunk, of a chat or of a text that is continued. */
  add(choice) {
    const text = choice.delta?.content ?? choice.text;
    if (text) {
      this.status = "writing";
      this.last = performance.now();
      this.first ??= this.last;
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
