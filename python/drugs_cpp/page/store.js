/**
 * @typedef {{id: string, name: string, changed: number, turns: object[]}} Saved a conversation as it is kept; changed: ms since 1970
 */

const DATABASE = "drugs";
const CONVERSATIONS = "conversations";

/** Conversations in the browser's own database. A browser that has none, as in some private windows, keeps nothing. */
export class Store {
  #opening = open();

  /** Whether anything can be kept. */
  async isAvailable() {
    return (await this.#opening) !== null;
  }

  /** @returns {Promise<Saved[]>} the last one that changed first */
  async all() {
    const found = (await this.#run("readonly", (conversations) => conversations.getAll())) ?? [];
    return found.filter(isSaved).sort((a, b) => b.changed - a.changed);
  }

  /** @returns {Promise<Saved | undefined>} */
  get(id) {
    return this.#run("readonly", (conversations) => conversations.get(id));
  }

  /** @param {Saved} saved takes the place of one with the same id */
  put(saved) {
    return this.#run("readwrite", (conversations) => conversations.put(saved));
  }

  delete(id) {
    return this.#run("readwrite", (conversations) => conversations.delete(id));
  }

  async #run(mode, action) {
    const database = await this.#opening;
    if (!database) {
      return undefined;
    }
    const transaction = database.transaction(CONVERSATIONS, mode);
    const done = ended(transaction);
    const found = action(transaction.objectStore(CONVERSATIONS));
    await done;
    return found.result;
  }
}

const isSaved = ({ name, changed, turns }) => typeof name === "string" && Number.isFinite(changed) && Array.isArray(turns);

async function open() {
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(CONVERSATIONS, { keyPath: "id" });
    return await result(opening);
  } catch {
    return null;
  }
}

// what was written is kept when the transaction has ended, and not before
const ended = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = () => resolve();
  transaction.onabort = () => reject(transaction.error ?? new Error("The browser has no room."));
  transaction.onerror = () => reject(transaction.error);
});

const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
