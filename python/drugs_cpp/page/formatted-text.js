import { element } from "./dom.js";
import { rendered } from "./markdown.js";
import { showMaths } from "./maths.js";

const WAIT_FOR_MORE = 100; // ms
const SHARE = 10; // and so many times longer than rendering takes
const MOST = 100_000; // characters
const MOST_SIGNS = 3000; // characters that can mean something in Markdown: some texts take minutes otherwise

/** A text whose Markdown is rendered. One that would take too long stays as it is. */
export class FormattedText {
  node = element("div", { class: "formatted", dir: "auto", hidden: true });
  #shown = "";
  #wanted = "";
  #timer = 0;
  #took = 0; // ms

  /** @param {string | null} text null hides it */
  show(text) {
    this.node.hidden = text === null;
    this.#wanted = text ?? this.#wanted;
    if (text !== null && text !== this.#shown && !this.#timer) {
      this.#timer = setTimeout(() => this.#render(), this.#shown ? Math.max(WAIT_FOR_MORE, SHARE * this.#took) : 0);
    }
  }

  #render() {
    const begun = performance.now();
    this.#timer = 0;
    this.#shown = this.#wanted;
    this.node.replaceChildren(nodesOf(this.#shown));
    showMaths(this.node);
    this.#took = performance.now() - begun;
  }
}

function nodesOf(text) {
  const signs = text.match(/[*_`[\]<>$\\]/g) ?? [];
  try {
    return text.length <= MOST && signs.length <= MOST_SIGNS ? rendered(text) : plain(text);
  } catch {
    return plain(text); // nested too deeply
  }
}

const plain = (text) => element("p", { class: "plain-text" }, text);
