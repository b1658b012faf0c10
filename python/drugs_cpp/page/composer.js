import { byId, element } from "./dom.js";

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

  /**
   * @param {import("./settings.js").Settings} settings
   * @param {import("./conversation.js").Conversation} conversation
   */
  constructor(settings, conversation) {
    this.#settings = settings;
    this.#conversation = conversation;
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
    const { isRunning } = this.#conversation;
    if (byId("prompt").value !== prompt) {
      byId("prompt").value = prompt;
    }
    byId("send").hidden = isRunning;
    byId("send").disabled = prompt.trim() === "";
    byId("stop").hidden = !isRunning;
  }

  #press(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send();
    }
  }

  #send() {
    const { prompt } = this.#settings.values;
    if (prompt.trim() !== "" && !this.#conversation.isRunning) {
      this.#settings.change({ prompt: "" });
      this.#conversation.send(prompt);
    }
  }

  #clear() {
    this.#conversation.clear();
    byId("prompt").focus();
  }

  #example(text) {
    return element("button", { type: "button", onclick: () => {
      this.#settings.change({ prompt: text });
      byId("prompt").focus();
    } }, text);
  }
}
