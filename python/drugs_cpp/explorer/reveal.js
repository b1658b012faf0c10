"use strict";

/** Where not all has room beside each other: brings a text into view when it was chosen, and what finds texts when that is wanted. */
explorer.reveal = (() => {
  const { dom } = explorer;
  const LOWEST = 0.6; // of the window's height: a text that begins above that is in view
  let isPointing = false;

  /** A text that was chosen with a mouse or a finger; with keys the place where somebody is stays in view. */
  function text(side) {
    const { top } = dom.byId(`text-${side + 1}`).getBoundingClientRect();
    if (isPointing && (top < 0 || top > LOWEST * innerHeight)) {
      dom.byId(`text-${side + 1}`).closest(".side").scrollIntoView();
    }
  }

  /** A link within the page: the address after "#" says what is shown, and is not for places in it. */
  function follow(event) {
    const target = document.querySelector(event.currentTarget.getAttribute("href"));
    event.preventDefault();
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  }

  function init() {
    addEventListener("pointerdown", () => (isPointing = true), { capture: true });
    addEventListener("keydown", () => (isPointing = false), { capture: true });
    document.querySelectorAll('a[href^="#"]').forEach((link) => link.addEventListener("click", follow));
  }

  return { init, text };
})();
