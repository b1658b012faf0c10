import { isTurns } from "./saved.js";
import { ofTab } from "./storage.js";
import { forgetUndo, toast } from "./toast.js";
import { Turn } from "./turn.js";

const CURRENT = "drugs-conversation"; // the conversation that the tab shows
const LONGEST_NAME = 60;
const WAIT_FOR_MORE = 1000; // ms between two times that a text is kept while it is written
const SHARE = 20; // and so many times longer than keeping it takes

/** Keeps the conversation of this tab in the store, and opens others. */
export class Keeper {
  #store;
  #conversation;
  #onName;
  #id = ofTab.get(CURRENT) ?? newId();
  #name = "";
  /** when the conversation was kept that this tab goes on from; ms since 1970, and 0 if it never was */
  #version = 0;
  #isChanged = false;
  #timer = 0;
  #took = 0; // ms
  #restored;
  #keeping = Promise.resolve();

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./conversation.js").Conversation} conversation
   * @param {(name: string) => void} onName gets the name that the conversation has now; "" for one without messages
   */
  constructor(store, conversation, onName) {
    this.#store = store;
    this.#conversation = conversation;
    this.#onName = onName;
    ofTab.set(CURRENT, this.#id);
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
    this.#isChanged = true;
    this.#sayName();
    if (!this.#conversation.isRunning) {
      this.keep();
    } else {
      this.#timer ||= setTimeout(() => this.keep(), Math.max(WAIT_FOR_MORE, SHARE * this.#took));
    }
  }

  /** Whether the tab had a conversation before it was loaded again, which is shown now. @returns {Promise<boolean>} */
  get restored() {
    return this.#restored;
  }

  /** Show a conversation that was kept. */
  async open(id) {
    await this.keep();
    this.#showSaved(await this.#store.get(id));
  }

  /** Begin another conversation. @param {object[]} turns its first ones */
  async begin(turns = [], name = "") {
    await this.keep();
    this.#show({ id: newId(), name, changed: 0, turns });
    this.#isChanged = true;
    await this.keep();
  }

  /** Name a conversation; "" is the name that it has by itself. */
  async rename(id, name) {
    if (id === this.#id) {
      this.#name = name;
      this.#isChanged = true;
      this.#sayName();
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
      this.#show({ id: newId(), name: "", changed: 0, turns: [] });
    }
    return async () => {
      if (saved) {
        await this.#store.put(saved);
        await this.open(id);
      }
    };
  }

  /** Keep the conversation as it is now, if it has changed. One without messages is not worth keeping. */
  keep() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#keeping = this.#keeping.then(() => this.#write()).catch((error) => {
      toast(`The browser cannot keep this conversation: ${error.message} Conversations can export it as a file.`);
    });
    return this.#keeping;
  }

  #sayName() {
    this.#onName(this.#conversation.turns.length > 0 ? this.name : "");
  }

  async #restore() {
    const saved = await this.#store.get(this.#id).catch(() => undefined);
    return saved ? this.#showSaved(saved) : false;
  }

  #showSaved(saved) {
    if (!isTurns(saved?.turns)) {
      this.#show({ id: newId(), name: "", changed: 0, turns: [] });
      toast("This conversation is damaged or gone, so it cannot be shown.");
      return false;
    }
    this.#show(saved);
    return true;
  }

  #show({ id, name, changed, turns }) {
    this.#id = id;
    this.#name = name === nameOf(turns) ? "" : name;
    this.#version = changed;
    ofTab.set(CURRENT, id);
    forgetUndo();
    this.#conversation.show(turns.map((turn) => Turn.from(turn)));
    this.#isChanged = false;
  }

  async #write() {
    await this.#restored; // or what was kept would be lost
    if (!this.#isChanged) {
      return;
    }
    this.#isChanged = false;
    const begun = performance.now();
    const turns = this.#conversation.turns.map((turn) => turn.toJSON());
    const [id, name] = [this.#id, this.name];
    const isOfAnother = await this.#isOfAnother(id);
    if (id !== this.#id) {
      return; // another conversation is shown by now
    }
    if (isOfAnother) {
      this.#id = newId();
      this.#version = 0;
      ofTab.set(CURRENT, this.#id);
    }
    if (turns.length === 0) {
      await this.#store.delete(this.#id);
      return;
    }
    const changed = Math.max(Date.now(), this.#version + 1);
    await this.#store.put({ id: this.#id, name, changed, turns });
    this.#version = changed;
    this.#took = performance.now() - begun;
  }

  /** Whether another tab has changed the conversation since, so that what this one shows becomes one of its own. */
  async #isOfAnother(id) {
    const saved = await this.#store.get(id);
    return saved !== undefined && saved.changed !== this.#version;
  }
}

/** The beginning of its first message. */
export function nameOf(turns) {
  const text = (turns.find(({ user }) => user.trim() !== "")?.user ?? "Untitled").trim().replace(/\s+/g, " ");
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1).trimEnd()}…` : text;
}

// crypto.randomUUID() does not exist on a page that came over plain HTTP from another computer
const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
