/** Small values that the browser keeps. A browser that is told to keep nothing does without. */
class Storage {
  #open;

  /** @param {() => globalThis.Storage} open throws where nothing may be kept */
  constructor(open) {
    this.#open = open;
  }

  /** @returns {string | null} */
  get(name) {
    try {
      return this.#open().getItem(name);
    } catch {
      return null;
    }
  }

  set(name, value) {
    try {
      this.#open().setItem(name, value);
    } catch {
      // then it holds until the page is left
    }
  }
}

/** What the tab keeps until it is closed. */
export const ofTab = new Storage(() => sessionStorage);

/** What the browser keeps for all tabs. */
export const ofBrowser = new Storage(() => localStorage);
