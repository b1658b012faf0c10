import { element } from "./dom.js";

/**
 * @typedef {{score: number, n: number, answers: {answer: string, n: number, text: string}[]}} Uncertainty
 */

/** How sure a sober answer is: a quiet button that finds out, then a mark that shows what else was answered. */
export class Sureness {
  #ask;
  #isAsking = false;
  #button = element("button", { type: "button", class: "plain", title: "Ask again under a dose, and see how many answers agree", onclick: () => this.#press() }, "How sure?");
  #others = element("ul", { class: "quiet", hidden: true });

  /** @param {() => Promise<Uncertainty>} ask */
  constructor(ask) {
    this.#ask = ask;
    this.node = element("div", { class: "sureness", hidden: true }, this.#button, this.#others);
  }

  /** @param {boolean} isOffered whether the answer has ended */
  update(isOffered) {
    this.node.hidden = !isOffered;
  }

  async #press() {
    if (this.#isAsking) {
      return;
    }
    if (this.#others.childElementCount > 0) {
      this.#show(this.#others.hidden);
      return;
    }
    this.#isAsking = true;
    this.#button.textContent = "asking …";
    try {
      this.#fill(await this.#ask());
    } catch (error) {
      this.#button.textContent = error.message;
    }
    this.#isAsking = false;
  }

  #fill({ score, n, answers }) {
    this.#button.textContent = `${Math.round(100 * score)} % sure`;
    this.#button.title = `What ${n} dosed answers said`;
    this.#others.replaceChildren(...answers.filter((one) => one.n > 0).map((one) => element("li", { title: one.text }, `${one.n} of ${n}: ${one.answer || "no answer"}`)));
    this.#show(false);
  }

  #show(isOpen) {
    this.#others.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", String(isOpen));
  }
}
