import { element } from "./dom.js";

/** A field in the place of a text, until it is kept or left as it was. */
export class TextEditor {
  #field;
  #before = /** @type {Element | null} */ (null);
  #text = "";
  #onKeep;

  /**
   * @param {string} label
   * @param {string} keep what the button that keeps the text says
   * @param {(text: string) => void} onKeep
   */
  constructor(label, keep, onKeep) {
    this.#onKeep = onKeep;
    this.#field = element("textarea", { rows: 4, dir: "auto", "aria-label": label, onkeydown: (event) => this.#press(event) });
    this.node = element("div", { class: "editor", hidden: true }, this.#field,
      element("div", { class: "actions" },
        element("button", { type: "button", class: "primary", onclick: () => this.#keep() }, keep),
        element("button", { type: "button", onclick: () => this.#close() }, "Cancel"),
        element("span", { class: "quiet" }, "Ctrl+Enter, Escape")));
  }

  open(text) {
    if (this.node.hidden) {
      this.#before = document.activeElement;
      this.#text = text;
      this.#field.value = text;
      this.node.hidden = false;
    }
    this.#field.focus();
    this.node.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.node.hidden = true;
    this.#before?.focus();
  }

  #keep() {
    const text = this.#field.value;
    this.#close();
    if (text.trim() !== "" && text !== this.#text) {
      this.#onKeep(text);
    }
  }

  #press(event) {
    if (event.isComposing) {
      return;
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      this.#close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#keep();
    }
  }
}
