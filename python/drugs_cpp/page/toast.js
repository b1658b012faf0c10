import { announce, byId, element } from "./dom.js";

const SHOWN_FOR = 10_000; // ms

/** @type {{text: string, undo?: () => void, isOfConversation: boolean}[]} what can be taken back, the last one at the end */
let offers = [];
let hiding = 0;

/** Say something. */
export function toast(text) {
  show({ text, isOfConversation: false });
}

/**
 * Say what has been done, and offer to take it back. What was offered before is offered again afterwards.
 * @param {string} text
 * @param {() => void} undo
 * @param {boolean} isOfConversation whether it is about the conversation that is shown, and is of no use with another one
 */
export function offerUndo(text, undo, isOfConversation) {
  offers.push({ text, undo, isOfConversation });
  show(offers.at(-1));
}

/** The conversation has gone on, or is another one: taking something back would lose more than it brings. */
export function forgetUndo() {
  offers = offers.filter(({ isOfConversation }) => !isOfConversation);
  hide();
}

function show(offer) {
  const button = element("button", { type: "button", class: "plain", onclick: () => takeBack(offer) }, "Undo");
  byId("toast").replaceChildren(element("span", {}, offer.text), ...(offer.undo ? [button] : []));
  byId("toast").hidden = false;
  announce(offer.text);
  if (offer.undo) {
    button.focus(); // what was pressed is gone
  }
  hideLater();
}

function takeBack(offer) {
  offers = offers.filter((other) => other !== offer);
  hide();
  offer.undo();
  if (offers.length > 0) {
    show(offers.at(-1));
  } else {
    byId("prompt").focus();
  }
}

function hide() {
  clearTimeout(hiding);
  byId("toast").hidden = true;
  byId("toast").replaceChildren();
}

// not while it is used
function hideLater() {
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    if (byId("toast").matches(":hover, :has(:focus-visible)")) {
      hideLater();
    } else {
      offers = [];
      hide();
    }
  }, SHOWN_FOR);
}
