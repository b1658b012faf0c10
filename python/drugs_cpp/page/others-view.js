import { byId, element } from "./dom.js";
import { othersOf } from "./others.js";
import { DEFAULTS } from "./settings.js";

const IN_SIGHT = ["hold"]; // has a field that is never folded

/** Names what is not as usual under "More", or has no field, so that an address cannot bring what nobody sees; a press takes it back. */
export class OthersView {
  #settings;
  #shown = "";

  /** @param {import("./settings.js").Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    settings.onChange(() => this.#update());
  }

  #update() {
    const others = othersOf(this.#settings.values).filter(({ name }) => !IN_SIGHT.includes(name));
    const words = JSON.stringify(others);
    if (words === this.#shown) {
      return; // so that focus survives
    }
    this.#shown = words;
    byId("others").hidden = others.length === 0;
    byId("others").replaceChildren(...others.map((other) => element("li", {}, this.#button(other))));
  }

  #button({ name, words }) {
    const remove = () => {
      this.#settings.change({ [name]: DEFAULTS[name] });
      (byId("others").querySelector("button") ?? byId("hold")).focus(); // this button is gone
    };
    return element("button", { type: "button", title: `Back to the usual ${name}`, "aria-label": `Remove ${words}`, onclick: remove },
      words, element("span", { "aria-hidden": "true" }, "×"));
  }
}
