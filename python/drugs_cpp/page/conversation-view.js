import { announce, byId, element } from "./dom.js";
import { TurnView } from "./turn-view.js";

const NEAR_END = 40; // pixels

/** Shows the turns of the conversation, and updates them once a frame. */
export class ConversationView {
  #views = new Map();
  #parts;
  #isDue = false;
  #wasRunning = false;
  #isAtEnd = true; // as the user has scrolled
  #top = 0; // pixels
  #nTurns = 0;
  #unanswered;

  constructor(parts) {
    this.#parts = parts;
    this.#unanswered = element("div", { class: "unanswered" },
      element("p", {}, "Some messages have no answer yet."),
      element("button", { type: "button", class: "primary", onclick: () => parts.conversation.answerAll() }, "Answer them"));
    byId("conversation").addEventListener("scroll", () => this.#scrolled());
    new ResizeObserver(() => this.#follow()).observe(byId("turns"));
  }

  /** Show the changes with the next frame. */
  schedule() {
    if (!this.#isDue) {
      this.#isDue = true;
      requestAnimationFrame(() => {
        this.#isDue = false;
        this.#update();
      });
    }
  }

  #update() {
    const { turns, isRunning } = this.#parts.conversation;
    this.#forget(turns);
    turns.forEach((turn, i) => {
      const view = this.#viewOf(turn);
      place(view.node, i);
      view.update(i === turns.length - 1, isRunning);
    });
    byId("welcome").hidden = turns.length > 0;
    this.#offerAnswers(turns, isRunning);
    this.#announce(isRunning);
    this.#isAtEnd ||= turns.length > this.#nTurns; // what is new is seen
    this.#nTurns = turns.length;
    this.#follow();
  }

  // something may have grown since the page scrolled by itself, so only a way up is the user's
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = byId("conversation");
    const isNearEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.#isAtEnd = isNearEnd || (this.#isAtEnd && scrollTop >= this.#top);
    this.#top = scrollTop;
  }

  // also when something grows later, as formatted text does
  #follow() {
    if (this.#isAtEnd) {
      byId("conversation").scrollTop = byId("conversation").scrollHeight;
    }
  }

  #announce(isRunning) {
    if (isRunning !== this.#wasRunning) {
      announce(isRunning ? "The model is writing." : "The model has finished.");
    }
    this.#wasRunning = isRunning;
  }

  #forget(turns) {
    for (const [turn, view] of this.#views) {
      if (!turns.includes(turn)) {
        view.node.remove();
        this.#views.delete(turn);
      }
    }
  }

  #viewOf(turn) {
    if (!this.#views.has(turn)) {
      const view = new TurnView(turn, this.#parts);
      this.#views.set(turn, view);
    }
    return this.#views.get(turn);
  }

  #offerAnswers(turns, isRunning) {
    if (!isRunning && turns.some(({ answers }) => answers.length === 0)) {
      byId("turns").append(this.#unanswered);
    } else {
      this.#unanswered.remove();
    }
  }
}

function place(node, i) {
  const { children } = byId("turns");
  if (children[i] !== node) {
    byId("turns").insertBefore(node, children[i] ?? null);
  }
}
