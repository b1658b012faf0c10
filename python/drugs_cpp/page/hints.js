import { byId } from "./dom.js";
import { isSober } from "./doses.js";

/** What a newcomer could wonder about, below the field for the message. */
export class Hints {
  #settings;
  #drugs;
  #isText;

  /**
   * @param {import("./settings.js").Settings} settings
   * @param {() => object} drugs the field "drugs" of a request
   * @param {() => boolean} isText whether a text is continued, and there are no messages of a chat
   */
  constructor(settings, drugs, isText) {
    this.#settings = settings;
    this.#drugs = drugs;
    this.#isText = isText;
    settings.onChange(() => this.update());
  }

  update() {
    const { view, temperature, isFormatted } = this.#settings.values;
    const isUndosed = isSober(this.#drugs());
    const isFormattedNow = isFormatted ?? view === "chat";
    byId("formatted").setAttribute("aria-pressed", String(isFormattedNow));
    byId("hint-sober").hidden = !isUndosed || view === "chat" || temperature > 0;
    byId("hint-sober-side").hidden = !(isUndosed && view === "side" && temperature > 0);
    byId("hint-text").hidden = !this.#isText();
    byId("hint-tokens").hidden = isFormattedNow;
    byId("hint-formatted").hidden = !isFormattedNow;
  }
}
