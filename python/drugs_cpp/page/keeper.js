import { Turn } from "./turn.js";

const CURRENT = "drugs-conversation"; // in the storage of the tab: the conversation that it shows
const LONGEST_NAME = 60;
const WAIT_FOR_MORE = 1000; // ms between two times that a text is kept while it is written

/** Keeps the conversation of this tab in the store, and opens others. */
export class Keeper {
  #store;
  #conversation;
  #id = sessionStorage.getItem(CURRENT) ?? newId();
  #name = "";
  #timer = 0;
  #restored;

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./conversation.js").Conversation} conversation
   */
  constructor(store, conversation) {
    this.#store = store;
    this.#conversation = conversation;
    sessionStorage.setItem(CURRENT, this.#id);
    this.#restored = this.#restore();
    addEventListener("pagehide", () => this.keep());
  }

  get id() {
    return this.#id;
  }

  /** What the conversation is called: as the user named it, or as it begins. */
  get name() {
    return this.#name || nameOf(this.#conversation.turns);
  }

  /** The conversation has changed: it is kept now and then while it is written, and at its end. */
  change() {
    if (!this.#conversation.isRunning) {
      this.keep();
    } else {
      this.#timer ||= setTimeout(() => this.keep(), WAIT_FOR_MORE);
    }
  }

  /** Whether the tab had a conversation before it was loaded again, which is shown now. @returns {Promise<boolean>} */
  get restored() {
    return this.#restored;
  }

  /** Show a conversation that was kept. */
  async open(id) {
    await this.keep();
    const saved = await this.#store.get(id);
    if (saved) {
      this.#show(saved);
    }
  }

  /** Begin another conversation. @param {Turn[]} turns its first ones */
  async begin(turns = [], name = "") {
    await this.keep();
    this.#show({ id: newId(), name, turns });
    await this.keep();
  }

  /** Name a conversation; "" is the name that it has by itself. */
  async rename(id, name) {
    if (id === this.#id) {
      this.#name = name;
      return this.keep();
    }
    const saved = await this.#store.get(id);
    return saved && this.#store.put({ ...saved, name: name || nameOf(saved.turns) });
  }

  /** Delete a conversation. @returns {Promise<() => Promise<void>>} brings it back */
  async delete(id) {
    await this.keep();
    const saved = await this.#store.get(id);
    await this.#store.delete(id);
    if (id === this.#id) {
      this.#show({ id: newId(), name: "", turns: [] });
    }
    return async () => {
      if (saved) {
        await this.#store.put(saved);
        await this.open(id);
      }
    };
  }

  async #restore() {
    const saved = await this.#store.get(this.#id);
    if (saved) {
      this.#show(saved);
    }
    return Boolean(saved);
  }

  #show({ id, name, turns }) {
    this.#id = id;
    this.#name = name === nameOf(turns) ? "" : name;
    sessionStorage.setItem(CURRENT, id);
    this.#conversation.show(turns.map((turn) => Turn.from(turn)));
  }

  /** Keep the conversation as it is now. One without messages is not worth keeping. */
  async keep() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    await this.#restored; // or what was kept would be lost
    const turns = this.#conversation.turns.map((turn) => turn.toJSON());
    if (turns.length > 0) {
      await this.#store.put({ id: this.#id, name: this.name, changed: Date.now(), turns });
    } else {
      await this.#store.delete(this.#id);
    }
  }
}

/** The beginning of its first message. */
export function nameOf(turns) {
  const text = (turns[0]?.user ?? "").trim().replace(/\s+/g, " ");
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1).trimEnd()}…` : text;
}

// crypto.randomUUID() does not exist on a page that came over plain HTTP from another computer
const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
