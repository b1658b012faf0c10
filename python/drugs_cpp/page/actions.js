import { drawing, element } from "./dom.js";

const PATHS = {
  copy: "M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9",
  edit: "M4.5 19.5l1-4L16 5l3 3L8.5 18.5z",
  delete: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  again: "M4.5 12a7.5 7.5 0 0 1 13-5l2 2M19.5 4.5V9H15M19.5 12a7.5 7.5 0 0 1-13 5l-2-2M4.5 19.5V15H9",
};

/** A small button with a drawing. */
export function action(icon, label, onclick) {
  return element("button", { type: "button", class: "icon action", "aria-label": label, title: label, onclick },
    drawing("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, drawing("path", { d: PATHS[icon] })));
}

/** What can be done with a message. */
export const actions = (...buttons) => element("div", { class: "message-actions" }, ...buttons);
