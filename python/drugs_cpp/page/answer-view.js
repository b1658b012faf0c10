import { action, actions } from "./actions.js";
import { copy } from "./copy.js";
import { element } from "./dom.js";
import { FormattedText } from "./formatted-text.js";
import { measuresOf } from "./measures.js";
import { TextEditor } from "./text-editor.js";

const STATUS = {
  waiting: "reading …",
  writing: "writing …",
  done: "",
  cut: "cut off at the maximum length",
  stopped: "stopped",
  failed: "failed",
  edited: "edited",
};

/**
 * @typedef {object} Listeners
 * @property {(index: number) => void} onChoose a token
 * @property {() => void} onKeep the answer that the conversation goes on from
 * @property {(text: string) => void} onEdit
 * @property {() => void} onDelete
 * @property {(() => void) | null} onAnother null: another seed would give the same text
 */

/** A text of the model, token by token or formatted. */
export class AnswerView {
  #answer;
  #spans = [];
  #gaps = [];
  #starts = [];
  #length = 0;
  #current = -1;
  #onChoose;
  #status = element("span", { class: "state" });
  #text;
  #keep;
  #formatted = new FormattedText();
  #measures = element("p", { class: "quiet measures" });
  #actions;
  #another;
  #editor;
  #isFormatted = false;

  /**
   * @param {import("./answer.js").Answer} answer
   * @param {string} title
   * @param {string} details
   * @param {Listeners} listeners
   */
  constructor(answer, title, details, { onChoose, onKeep, onEdit, onDelete, onAnother }) {
    this.#answer = answer;
    this.#onChoose = onChoose;
    const what = `the ${title.toLowerCase()} answer`;
    this.#editor = new TextEditor(`Text of ${what}`, "Keep this text", onEdit);
    this.#another = onAnother && action("again", `Another with a new seed, beside ${what}`, onAnother);
    this.#actions = actions(
      action("copy", `Copy ${what}`, () => copy(answer.text)),
      action("edit", `Edit ${what}`, () => this.#editor.open(answer.text)),
      ...(this.#another ? [this.#another] : []),
      action("delete", `Delete ${what}`, onDelete));
    this.#text = element("div", { class: "text", dir: "auto", role: "group", "aria-label": `${title} answer`, "aria-describedby": "token-help",
      onclick: (event) => this.#click(event), onkeydown: (event) => this.#press(event) });
    this.#keep = element("button", { type: "button", class: "keep", onclick: onKeep });
    this.node = element("article", { class: `answer ${answer.isSober ? "sober" : "dosed"}`, "aria-label": title },
      element("header", {}, element("h3", {}, title), element("span", { class: "quiet" }, details), this.#status, this.#keep),
      this.#text, this.#formatted.node, this.#editor.node, this.#measures, this.#actions);
  }

  /**
   * Show what has come since.
   * @param {{sober?: import("./answer.js").Answer, isFormatted: boolean, isRunning: boolean}} now the sober answer beside this one,
   *     whether Markdown is rendered, and whether something is being written
   */
  update({ sober, isFormatted, isRunning }) {
    const { tokens, status } = this.#answer;
    for (const { text } of tokens.slice(this.#spans.length)) {
      this.#append(text);
    }
    this.#isFormatted = isFormatted;
    this.#text.hidden = isFormatted;
    this.#formatted.show(isFormatted ? this.#answer.text : null);
    this.#measures.textContent = status === "edited" ? "" : measuresOf(this.#answer, sober);
    this.#actions.hidden = !this.#answer.isEnded;
    this.#another?.toggleAttribute("disabled", isRunning);
    this.#status.textContent = STATUS[status];
    this.node.dataset.status = status;
    this.node.setAttribute("aria-busy", String(!this.#answer.isEnded));
  }

  /** Label the button with which the conversation goes on from here; "" hides it. */
  offerKeep(label, isKept) {
    this.#keep.hidden = label === "";
    this.#keep.textContent = label;
    this.#keep.setAttribute("aria-pressed", String(isKept));
  }

  /** Mark the tokens of these words. */
  mark(words) {
    let i = 0;
    this.#spans.forEach((span, j) => {
      const start = this.#starts[j];
      const end = start + span.textContent.length;
      while (i < words.length && words[i].end <= start) {
        i++;
      }
      span.classList.toggle("differs", i < words.length && words[i].start < end);
    });
    this.#gaps.forEach((gap, j) => gap.classList.toggle("differs", isMarked(this.#spans[j - 1]) && isMarked(this.#spans[j])));
  }

  /** Show the place that the probabilities are about. */
  point(index) {
    this.#spans[index].classList.add("pointed");
  }

  /** @param {boolean} takesFocus whether what was focused is gone */
  unpoint(takesFocus) {
    this.#spans.forEach((span) => span.classList.remove("pointed"));
    if (takesFocus && !this.#isFormatted) {
      this.#spans[this.#current].focus();
    }
  }

  #append(text) {
    // leading white space stays outside, so that a mark is as wide as the words
    const space = text.trim() === "" ? "" : text.slice(0, text.length - text.trimStart().length);
    const gap = element("span", {}, space);
    const span = element("span", { class: "token" }, text.slice(space.length));
    this.#starts.push(this.#length + space.length);
    this.#length += text.length;
    this.#spans.push(span);
    this.#gaps.push(gap);
    this.#text.append(gap, span);
    if (this.#current < 0) {
      this.#move(0);
    }
  }

  #move(index) {
    const old = this.#spans[this.#current];
    old?.removeAttribute("tabindex");
    old?.removeAttribute("role");
    this.#current = index;
    this.#spans[index].tabIndex = 0;
    this.#spans[index].setAttribute("role", "button");
  }

  #click({ target }) {
    const index = this.#spans.indexOf(target);
    if (index >= 0) {
      this.#move(index);
      target.focus();
      this.#onChoose(index);
    }
  }

  #press(event) {
    const last = this.#spans.length - 1;
    const target = { ArrowRight: this.#current + 1, ArrowLeft: this.#current - 1, Home: 0, End: last }[event.key];
    if (target !== undefined && target >= 0 && target <= last) {
      this.#move(target);
      this.#spans[target].focus();
      event.preventDefault();
    } else if (event.key === "Enter" || event.key === " ") {
      this.#onChoose(this.#current);
      event.preventDefault();
    }
  }
}

const isMarked = (span) => span?.classList.contains("differs") ?? false;
