import { byId } from "./dom.js";

let action = () => {};

/** Say what is wrong above the conversation, and offer to try it again. */
export function notify(text, retry) {
  action = retry;
  byId("notice-text").textContent = text;
  byId("notice").hidden = false;
}

export function dismissNotice() {
  byId("notice").hidden = true;
}

byId("retry").addEventListener("click", () => {
  dismissNotice();
  action();
});
