import { announce, element } from "./dom.js";
import { compareAt } from "./probabilities.js";

const PERCENT = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const SHOWN_BEFORE = 48;

/** The most likely tokens at one place of an answer, sober beside dosed. There is one panel, under its turn. */
export class ProbabilityPanel {
  #node = element("section", { class: "probabilities", "aria-label": "Probabilities of the next token" });
  #waiting = new AbortController();
  #onClose = () => {};

  constructor() {
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") {
        this.close();
      }
    });
  }

  /**
   * @param {HTMLElement} place where the panel goes
   * @param {(hadFocus: boolean) => void} onClose
   */
  async show(place, turn, answer, index, onClose) {
    this.close();
    this.#onClose = onClose;
    const waiting = new AbortController();
    this.#waiting = waiting;
    place.append(this.#node);
    this.#fill(answer, index, element("p", { class: "quiet busy" }, "Waiting for the model …"));
    try {
      const comparison = await compareAt(turn, answer, index, waiting.signal);
      if (!waiting.signal.aborted) {
        this.#fill(answer, index, ...charts(comparison, answer.tokens[index]));
        announce("The probabilities are below the answers.");
      }
    } catch (error) {
      if (error.name !== "AbortError") {
        this.#fill(answer, index, element("p", { class: "error", role: "alert" }, error.message));
      }
    }
  }

  close() {
    const hadFocus = this.#node.contains(document.activeElement);
    this.#waiting.abort();
    this.#node.remove();
    this.#onClose(hadFocus);
    this.#onClose = () => {};
  }

  #fill(answer, index, ...content) {
    this.#node.replaceChildren(
      element("header", {},
        heading(answer, index),
        element("button", { type: "button", class: "plain", onclick: () => this.close() }, "Close")),
      ...content,
    );
    this.#node.scrollIntoView({ block: "nearest" });
  }
}

function heading(answer, index) {
  const before = answer.tokens.slice(0, index).map(({ text }) => text).join("");
  const shown = before.length > SHOWN_BEFORE ? `… ${before.slice(-SHOWN_BEFORE).trimStart()}` : before;
  return element("h3", {},
    element("span", { class: "quiet" }, "What comes next: "),
    element("q", {}, `${shown}`, element("mark", {}, ...visible(answer.tokens[index].text))));
}

function charts({ sober, dosed, how }, taken) {
  const most = Math.max(...[...sober, ...dosed].map(({ probability }) => probability));
  return [
    element("div", { class: "charts" }, chart("Sober", sober, dosed, taken, most), chart("Dosed", dosed, sober, taken, most)),
    element("p", { class: "quiet" }, `${how} The thin bars are the other model’s.`),
  ];
}

function chart(name, own, others, taken, most) {
  const rows = own.map((likely) => row(likely, others.find(({ id }) => id === likely.id), likely.id === taken.id, most));
  return element("figure", { class: `chart ${name.toLowerCase()}` },
    element("figcaption", {}, name),
    element("ol", {}, ...rows));
}

function row({ text, probability }, other, isTaken, most) {
  const bars = element("span", { class: "bars", "aria-hidden": "true" }, bar("own", probability / most));
  if (other) {
    bars.append(bar("other", other.probability / most));
  }
  return element("li", { class: isTaken && "taken", "data-probability": probability },
    element("span", { class: "name", title: isTaken && "This token was written" }, ...visible(text)),
    bars,
    element("span", { class: "number" }, PERCENT.format(probability)));
}

function bar(kind, share) {
  const node = element("span", { class: kind });
  node.style.inlineSize = `${100 * share}%`;
  return node;
}

const WHITE = { " ": "·", "\n": "↵", "\t": "⇥" };

/** A token, with the white space at its ends to be seen. */
function visible(text) {
  const [, before, middle, after] = /^(\s*)(.*?)(\s*)$/s.exec(text);
  const shown = (white) => element("span", { class: "space" }, Array.from(white, (character) => WHITE[character] ?? character).join(""));
  return text === "" ? ["end of text"] : [shown(before), middle, shown(after)];
}
