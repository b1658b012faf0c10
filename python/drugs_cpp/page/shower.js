import { getJson, postJson } from "./api.js";
import { announce, byId } from "./dom.js";
import { notify } from "./notice.js";

const EVERY = 1000; // ms
const LOOKS_AFTERWARDS = 4;

/** The button for cold showers, and how many positions of the server's cache are dirty. */
export class Shower {
  #isRunning;
  #looksLeft = 0;
  #timer = 0;
  #hasSlots = true;

  /** @param {() => boolean} isRunning whether answers are being written */
  constructor(isRunning) {
    this.#isRunning = isRunning;
    byId("shower").addEventListener("click", () => this.#shower());
  }

  /** Count about once a second while answers are written, and some times after that. */
  watch() {
    this.#looksLeft = LOOKS_AFTERWARDS;
    if (this.#timer === 0 && this.#hasSlots) {
      this.#timer = setTimeout(() => this.#look(), EVERY / 4);
    }
  }

  async #look() {
    const isClean = await this.#count();
    this.#looksLeft -= this.#isRunning() ? 0 : 1;
    const isDone = !this.#hasSlots || (this.#looksLeft <= 0 && isClean) || this.#looksLeft < -60;
    this.#timer = isDone ? 0 : setTimeout(() => this.#look(), EVERY);
  }

  async #count() {
    try {
      const slots = await getJson("/slots");
      const nDirty = slots.reduce((sum, { drugs }) => sum + (drugs?.n_dirty ?? 0), 0);
      this.#show(nDirty);
      return nDirty === 0;
    } catch (error) {
      this.#hasSlots = error.status !== 501; // 501: a server without /slots
      byId("dirty").hidden = true;
      return true;
    }
  }

  #show(nDirty) {
    byId("dirty").hidden = false;
    byId("dirty").textContent = nDirty ? `${nDirty} dirty` : "clean";
    byId("dirty").classList.toggle("some", nDirty > 0);
  }

  async #shower() {
    const button = byId("shower");
    button.setAttribute("aria-busy", "true");
    try {
      await postJson("/slots/-1?action=shower", {});
      announce("A cold shower for every slot.");
    } catch (error) {
      notify(error.message, () => this.#shower());
    }
    button.removeAttribute("aria-busy");
    this.watch();
  }
}
