import { action, actions } from "./actions.js";
import { AnswerView } from "./answer-view.js";
import { copy } from "./copy.js";
import { differing, words } from "./diff.js";
import { element } from "./dom.js";
import { dosesInWords, summary } from "./doses.js";
import { howSure } from "./requests.js";
import { samplerInWords } from "./sampler.js";
import { freshSeed } from "./seed.js";
import { Sureness } from "./sureness.js";
import { TextEditor } from "./text-editor.js";
import { forgetUndo, offerUndo } from "./toast.js";

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
   * @param {import("./turn.js").Turn} turn
   * @param {{conversation: import("./conversation.js").Conversation, settings: import("./settings.js").Settings,
   *     panel: import("./probability-panel.js").ProbabilityPanel, sites: () => string[]}} parts
   */
  constructor(turn, parts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#again = element("button", { type: "button", class: "plain", title: "Answer this message again, as the settings are now; if they are the same, with a new seed",
      onclick: () => this.#askAgain() }, "Ask again");
    const editor = new TextEditor("Text of the message", "Send", (text) => this.#change("Edited. What came after it is gone.", () => parts.conversation.again(turn, text)));
    this.node = element("section", { class: "turn", "aria-label": "Message and answers" },
      element("div", { class: "user" }, element("p", { class: `said${turn.user ? "" : " quiet"}`, dir: "auto" }, turn.user || "(continued)"), this.#again, actions(
        action("copy", "Copy the message", () => copy(turn.user)),
        action("edit", "Edit the message", () => editor.open(turn.user)),
        action("delete", "Delete the message and its answers", () => this.#change("Deleted.", () => parts.conversation.remove(turn))))),
      editor.node, this.#body, this.#error, this.#place);
  }

  /** @param {boolean} isLast whether the conversation goes on from here */
  update(isLast, isRunning) {
    const { answers, view, error } = this.#turn;
    const { isFormatted } = this.#parts.settings.values;
    const fresh = answers.slice(this.#views.length).map((answer) => this.#view(answer));
    this.#views.push(...fresh);
    this.#body.append(...fresh.map(({ node }) => node));
    this.#body.dataset.view = view === "chat" && answers.length > 1 ? "side" : view;
    const sober = answers.find(({ isSober }) => isSober);
    this.#views.forEach((answerView, i) => answerView.update({
      sober: answers[i] === sober ? undefined : sober,
      isFormatted: isFormatted ?? view === "chat",
      isRunning,
    }));
    this.#surenesses.forEach(({ sureness, answer }) => sureness.update(answer.isEnded && answer.hasText && answer.status !== "edited"));
    this.#offerKeep(isLast && !isRunning);
    this.#again.hidden = !isLast || answers.length === 0;
    this.#error.hidden = !error;
    this.#error.textContent = error;
    this.#body.hidden = answers.length === 0 || (error !== "" && answers.every(({ tokens }) => tokens.length === 0));
    this.#compare();
  }

  #view(answer) {
    const { conversation, settings } = this.#parts;
    const isVariation = this.#turn.view === "variations";
    const [title, details] = namesOf(answer, isVariation, this.#turn.answers.indexOf(answer) + 1);
    const view = new AnswerView(answer, title, details, {
      onChoose: (index) => this.#choose(view, answer, index),
      onKeep: () => this.#keep(answer),
      onEdit: (text) => this.#change("Edited.", () => conversation.editAnswer(this.#turn, answer, text)),
      onDelete: () => this.#change("Deleted.", () => conversation.removeAnswer(this.#turn, answer)),
      onAnother: answer.isSober && settings.values.temperature === 0 ? null : () => this.#another(answer),
    });
    if (answer.isSober) {
      const sureness = new Sureness(() => howSure(settings.values, this.#parts.sites(), this.#turn));
      this.#surenesses.push({ sureness, answer });
      view.node.append(sureness.node);
    }
    if (isVariation) {
      view.node.addEventListener("click", ({ target }) => {
        if (!target.closest("button, .token, a, textarea") && this.#isOffered()) {
          this.#keep(answer);
        }
      });
    }
    return view;
  }

  /** Change the conversation, and offer to take it back. */
  #change(said, change) {
    const { conversation } = this.#parts;
    const before = conversation.turns;
    change();
    offerUndo(said, () => conversation.show(before), true);
  }

  #askAgain() {
    const { conversation, settings } = this.#parts;
    if (conversation.wouldRepeat(this.#turn)) {
      settings.change({ seed: freshSeed() });
    }
    this.#change("Asked again. The answers of before are gone.", () => conversation.again(this.#turn));
  }

  #another(answer) {
    forgetUndo();
    this.#parts.conversation.another(this.#turn, answer, freshSeed());
  }

  #choose(view, answer, index) {
    this.#parts.panel.show(this.#place, this.#turn, answer, index, (hadFocus) => view.unpoint(hadFocus));
    view.point(index);
  }

  #keep(answer) {
    if (this.#turn.view === "variations" && answer.drugs.seed !== undefined) {
      this.#parts.settings.change({ seed: answer.drugs.seed });
    }
    this.#parts.conversation.keep(this.#turn, this.#turn.answers.indexOf(answer));
  }

  #isOffered() {
    const { turns, isRunning } = this.#parts.conversation;
    return turns.at(-1) === this.#turn && !isRunning && this.#turn.answers.length > 1;
  }

  #offerKeep(isOffered) {
    const { answers, kept, view } = this.#turn;
    const label = (drugs) => (view === "variations" && drugs.seed !== undefined ? "Use this seed" : "Go on from this");
    answers.forEach((answer, i) => {
      this.#views[i].offerKeep(isOffered && answers.length > 1 && answer.hasText ? label(answer.drugs) : "", i === kept);
    });
  }

  #compare() {
    const { answers, view } = this.#turn;
    const texts = answers.map(({ text }) => text);
    if (view !== "side" || answers.length !== 2 || texts.join("\0") === this.#compared) {
      return;
    }
    this.#compared = texts.join("\0");
    const [sober, dosed] = texts.map(words);
    differing(sober, dosed).forEach((marked, i) => this.#views[i].mark(marked));
  }
}

function namesOf({ drugs, sampler, isSober }, isVariation, number) {
  const sampled = samplerInWords(sampler);
  if (isSober) {
    return [isVariation ? `Variation ${number}` : "Sober", sampled];
  }
  const [title, dosed] = isVariation ? [`Seed ${drugs.seed}`, dosesInWords(drugs)] : ["Dosed", summary(drugs)];
  return [title, [dosed, sampled].filter((words) => words !== "").join(" · ")];
}
