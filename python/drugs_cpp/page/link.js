import { write } from "./address.js";
import { copy } from "./copy.js";
import { byId } from "./dom.js";

const LONGEST = 2000; // characters of an address that every program takes

/**
 * The button that copies an address with the settings, and the messages where it has room for them.
 * @param {import("./settings.js").Settings} settings
 * @param {import("./conversation.js").Conversation} conversation
 */
export function initLink(settings, conversation) {
  byId("link").addEventListener("click", () => {
    const messages = conversation.turns.map(({ user }) => user);
    const whole = addressOf(write(settings.values, messages));
    if (whole.length <= LONGEST) {
      copy(whole, messages.length ? "The link is copied: settings and messages. Answers are computed again." : "The link is copied: settings.");
    } else {
      copy(addressOf(write(settings.values)), "The link is copied, with the settings alone: the messages are too long for an address. Conversations has a file for them.");
    }
  });
}

const addressOf = (hash) => `${location.href.split("#")[0]}#${hash}`;
