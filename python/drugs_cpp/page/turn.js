import { Answer } from "./answer.js";

/** One message of the user, and what the model made of it. */
export class Turn {
  /** @type {Answer[]} */
  answers = [];
  /** the field "drugs" of its sober requests */
  sober = {};
  /** what the answers follow: messages of a chat, or a text that is continued */
  prompt = /** @type {import("./prompts.js").Prompt | null} */ (null);
  /** "chat", "side" or "variations", as its answers are shown */
  view = "chat";
  error = "";
  /** the bodies of its requests as JSON, while the page is open */
  asked = "";
  /** which answer the conversation goes on from */
  kept = 0;

  /** @param {string} user the message */
  constructor(user) {
    this.user = user;
  }

  /** A turn that was kept. */
  static from({ user, answers, sober, prompt, view, error, kept }) {
    return Object.assign(new Turn(user), { sober, prompt, view, error, kept, answers: answers.map((answer) => Answer.from(answer)) });
  }

  /** The same with other answers. */
  with(answers) {
    const { sober, prompt, view, error } = this;
    const index = answers.indexOf(this.answers[this.kept]);
    const kept = index < 0 ? Math.max(answers.length - 1, 0) : index;
    return Object.assign(new Turn(this.user), { sober, prompt, view, error, kept, answers });
  }

  /** The text that the conversation goes on from; "" if there is none. */
  get text() {
    const answer = this.answers[this.kept];
    return answer?.hasText ? answer.text : "";
  }

  /** What is kept of it. */
  toJSON() {
    const { user, answers, sober, prompt, view, error, kept } = this;
    return { user, answers: answers.map((answer) => answer.toJSON()), sober, prompt, view, error, kept };
  }
}
