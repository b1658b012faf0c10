import { byId } from "./dom.js";

const body = document.body;

function set(isOpen) {
  body.classList.toggle("controls-open", isOpen);
  byId("open-controls").setAttribute("aria-expanded", String(isOpen));
}

function close() {
  set(false);
  byId("open-controls").focus();
}

/** On a narrow screen the doses are in a drawer. */
export function initDrawer() {
  byId("open-controls").addEventListener("click", () => {
    set(!body.classList.contains("controls-open"));
    if (body.classList.contains("controls-open")) {
      byId("close-controls").focus();
    }
  });
  byId("close-controls").addEventListener("click", close);
  byId("controls").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && body.classList.contains("controls-open")) {
      event.stopPropagation(); // closes the drawer only
      close();
    }
  });
}
