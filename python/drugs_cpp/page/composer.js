import { byId, element } from "./dom.js";
import { Recall } from "./recall.js";
import { forgetUndo, offerUndo } from "./toast.js";

export const EXAMPLES = [
  "Write the first two sentences of a story about a lighthouse.",
  "Describe a city built on clouds.",
  "What does the sea sound like at night?",
  "Invent a holiday.",
];

/** Where the user writes. */
export class Composer {
  #settings;
  #conversation;
  #isText;
  #recall;

  /**
   * @param {import("./settings.js").Settings} settings
   * @param {import("./conversation.js").Conversation} conversation
   * @param {() => boolean} isText whether a text is continued, and there are no messages of a chat
   */
  constructor(settings, conversation, isText) {
    this.#settings = settings;
    this.#conversation = conversation;
    this.#isText = isText;
    this.#recall = new Recall(byId("prompt"), () => conversation.turns.map(({ user }) => user));
    settings.onChange(() => this.update());
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    byId("prompt").addEventListener("input", ({ target }) => settings.change({ prompt: target.value }));
    byId("prompt").addEventListener("keydown", (event) => this.#press(event));
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault(); // the address is for the settings
      byId("prompt").focus();
    });
    byId("stop").addEventListener("click", () => conversation.stop());
    byId("clear").addEventListener("click", () => this.#clear());
    byId("examples").replaceChildren(...EXAMPLES.map((text) => element("li", {}, this.#example(text))));
  }

  update() {
    const { prompt } = this.#settings.values;
    const { isRunning, turns } = this.#conversation;
    if (byId("prompt").value !== prompt) {
      byId("prompt").value = prompt;
    }
    byId("prompt").placeholder = this.#isText() ? "Write the beginning of a text" : "Write a message";
    byId("send").hidden = isRunning;
    byId("send").disabled = !this.#canSend;
    byId("send").textContent = this.#isText() ? "Continue" : "Send";
    byId("stop").hidden = !isRunning;
    byId("clear").disabled = turns.length === 0;
  }

  // a text goes on without anything new as well
  get #canSend() {
    const goesOn = this.#isText() && this.#conversation.turns.at(-1)?.text;
    return this.#settings.values.prompt.trim() !== "" || Boolean(goesOn);
  }

  #press(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send();
      return;
    }
    const recalled = this.#recall.press(event);
    if (recalled !== null) {
      event.preventDefault();
      this.#settings.change({ prompt: recalled });
    }
  }

  #send() {
    const { prompt } = this.#settings.values;
    if (this.#canSend && !this.#conversation.isRunning) {
      this.#recall.reset();
      forgetUndo();
      this.#settings.change({ prompt: "" });
      this.#conversation.send(prompt);
      byId("prompt").focus(); // the button is gone
    }
  }

  #clear() {
    const before = this.#conversation.turns;
    this.#conversation.show([]);
    offerUndo("Cleared.", () => this.#conversation.show(before), true);
  }

  #example(text) {
    return element("button", { type: "button", onclick: () => {
      this.#settings.change({ prompt: text });
      byId("prompt").focus();
    } }, text);
  }
}
