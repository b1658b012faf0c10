/** Brings earlier messages back into the field, as a shell does. */
export class Recall {
  #field;
  #messages;
  #back = 0; // how far the field is before the next message

  /**
   * @param {HTMLTextAreaElement} field
   * @param {() => string[]} messages the earlier ones, in order
   */
  constructor(field, messages) {
    this.#field = field;
    this.#messages = messages;
  }

  /**
   * Which message the key brings; null: the key does what it always does.
   * @param {KeyboardEvent} event
   */
  press({ key, shiftKey, altKey, ctrlKey, metaKey }) {
    const step = { ArrowUp: 1, ArrowDown: -1 }[key];
    const { value } = this.#field;
    if (value === "") {
      this.#back = 0;
    }
    const messages = this.#messages();
    const shown = this.#back ? messages.at(-this.#back) : "";
    if (!step || shiftKey || altKey || ctrlKey || metaKey || value !== shown || !this.#isAtEdge(step)) {
      return null;
    }
    const back = Math.min(Math.max(this.#back + step, 0), messages.length);
    if (back === this.#back) {
      return null;
    }
    this.#back = back;
    return back ? messages.at(-back) : "";
  }

  // within a text of several lines the key moves the caret
  #isAtEdge(step) {
    const { value, selectionStart } = this.#field;
    return step > 0 ? !value.slice(0, selectionStart).includes("\n") : !value.slice(selectionStart).includes("\n");
  }

  /** The field holds the next message again. */
  reset() {
    this.#back = 0;
  }
}
