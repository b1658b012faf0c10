import { announce, byId, element } from "./dom.js";

const SHOWN_FOR = 10_000; // ms

let hiding = 0;

/**
 * Say what has been done, and offer to take it back.
 * @param {string} text
 * @param {() => void} [undo]
 */
export function toast(text, undo) {
  const takeBack = () => {
    hide();
    undo();
  };
  const button = undo ? [element("button", { type: "button", class: "plain", onclick: takeBack }, "Undo")] : [];
  byId("toast").replaceChildren(element("span", {}, text), ...button);
  byId("toast").hidden = false;
  announce(text);
  hideLater();
}

function hide() {
  byId("toast").hidden = true;
  byId("toast").replaceChildren();
}

// not while it is used
function hideLater() {
  clearTimeout(hiding);
  hiding = setTimeout(() => (byId("toast").matches(":hover, :focus-within") ? hideLater() : hide()), SHOWN_FOR);
}
