import { AnswerView } from "./answer-view.js";
import { differing, words } from "./diff.js";
import { element } from "./dom.js";
import { dosesInWords, summary } from "./doses.js";
import { howSure } from "./requests.js";
import { Sureness } from "./sureness.js";

/** A message of the user with its answers. */
export class TurnView {
  #turn;
  #parts;
  #views = [];
  #surenesses = [];
  #compared = "";
  #body = element("div", { class: "answers" });
  #error = element("p", { class: "error", role: "alert", hidden: true });
  #again;
  #place = element("div");

  /**
   * @param {{conversation: import("./conversation.js").Conversation, settings: import("./settings.js").Settings,
   *     panel: import("./probability-panel.js").ProbabilityPanel, sites: () => string[]}} parts
   */
  constructor(turn, parts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#again = element("button", { type: "button", class: "plain", title: "Answer this message again, as the doses are now",
      onclick: () => parts.conversation.again() }, "Ask again");
    this.node = element("section", { class: "turn", "aria-label": "Message and answers" },
      element("div", { class: "user" }, element("p", { class: "said" }, turn.user), this.#again),
      this.#body, this.#error, this.#place);
  }

  /** @param {boolean} isLast whether the conversation goes on from here */
  update(isLast, isRunning) {
    const { answers, view, error } = this.#turn;
    if (this.#views.length === 0 && answers.length > 0) {
      this.#views = answers.map((answer, i) => this.#view(answer, i));
      this.#body.append(...this.#views.map(({ node }) => node));
      this.#body.dataset.view = view;
    }
    this.#views.forEach((answerView) => answerView.update());
    this.#surenesses.forEach(({ sureness, answer }) => sureness.update(answer.isEnded && answer.tokens.length > 0));
    this.#offerKeep(isLast && !isRunning);
    this.#again.hidden = !isLast || answers.length === 0;
    this.#error.hidden = !error;
    this.#error.textContent = error;
    this.#body.hidden = error !== "" && answers.every(({ tokens }) => tokens.length === 0);
    this.#compare();
  }

  #view(answer, i) {
    const isVariation = this.#turn.view === "variations";
    const [title, details] = namesOf(answer, isVariation);
    const view = new AnswerView(answer, title, details, {
      onChoose: (index) => this.#choose(view, answer, index),
      onKeep: () => this.#keep(answer, i),
    });
    if (answer.isSober) {
      const sureness = new Sureness(() => howSure(this.#parts.settings.values, this.#parts.sites(), this.#turn));
      this.#surenesses.push({ sureness, answer });
      view.node.append(sureness.node);
    }
    if (isVariation) {
      view.node.addEventListener("click", ({ target }) => {
        if (!target.closest("button, .token")) {
          this.#keep(answer, i);
        }
      });
    }
    return view;
  }

  #choose(view, answer, index) {
    this.#parts.panel.show(this.#place, this.#turn, answer, index, (hadFocus) => view.unpoint(hadFocus));
    view.point(index);
  }

  #keep(answer, i) {
    if (this.#turn.view === "variations" && answer.drugs.seed !== undefined) {
      this.#parts.settings.change({ seed: answer.drugs.seed });
    }
    this.#parts.conversation.keep(this.#turn, i);
  }

  #offerKeep(isOffered) {
    const { answers, kept, view } = this.#turn;
    const label = view === "variations" ? "Use this seed" : "Go on from this";
    answers.forEach((answer, i) => this.#views[i].offerKeep(isOffered && answers.length > 1 ? label : "", i === kept));
  }

  #compare() {
    const { answers, view } = this.#turn;
    const texts = answers.map(({ text }) => text);
    if (view !== "side" || texts.join("\0") === this.#compared) {
      return;
    }
    this.#compared = texts.join("\0");
    const [sober, dosed] = texts.map(words);
    differing(sober, dosed).forEach((marked, i) => this.#views[i].mark(marked));
  }
}

function namesOf({ drugs, isSober }, isVariation) {
  if (isSober) {
    return ["Sober", ""];
  }
  return isVariation ? [`Seed ${drugs.seed}`, dosesInWords(drugs)] : ["Dosed", summary(drugs)];
}
