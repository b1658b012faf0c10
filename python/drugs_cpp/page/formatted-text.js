import { element } from "./dom.js";
import { rendered } from "./markdown.js";
import { showMaths } from "./maths.js";

const WAIT_FOR_MORE = 100; // ms; a long text takes a while to render

/** A text whose Markdown is rendered. */
export class FormattedText {
  node = element("div", { class: "formatted", hidden: true });
  #shown = "";
  #wanted = "";
  #timer = 0;

  /** @param {string | null} text null hides it */
  show(text) {
    this.node.hidden = text === null;
    this.#wanted = text ?? this.#wanted;
    if (text !== null && text !== this.#shown && !this.#timer) {
      this.#timer = setTimeout(() => this.#render(), this.#shown ? WAIT_FOR_MORE : 0);
    }
  }

  #render() {
    this.#timer = 0;
    this.#shown = this.#wanted;
    this.node.replaceChildren(rendered(this.#shown));
    showMaths(this.node);
  }
}
