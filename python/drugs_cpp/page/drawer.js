import { byId } from "./dom.js";

const body = document.body;

function set(isOpen) {
  body.classList.toggle("controls-open", isOpen);
  for (const part of document.querySelectorAll("main > :not(h1)")) {
    part.inert = isOpen; // the focus stays in the drawer
  }
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
  matchMedia("(max-width: 60rem)").addEventListener("change", () => set(false)); // a wide screen has no drawer
  byId("close-controls").addEventListener("click", close);
  document.addEventListener("pointerdown", ({ target }) => {
    if (body.classList.contains("controls-open") && !target.closest("#controls, dialog")) {
      close();
    }
  });
  byId("controls").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && body.classList.contains("controls-open")) {
      event.stopPropagation(); // closes the drawer only
      close();
    }
  });
}
