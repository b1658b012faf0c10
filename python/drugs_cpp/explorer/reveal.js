"use strict";

/** On a small screen: scrolls to a text when it is chosen, and to the finder when the user follows a link to it. */
explorer.reveal = (() => {
  const { dom } = explorer;
  const LOWEST = 0.6; // of the window's height: a text that begins above this is in view
  let isPointing = false;

  /** Scroll to a text that was chosen with a mouse or a finger; with the keyboard, what has the focus stays in view. */
  function text(side) {
    const { top } = dom.byId(`text-${side + 1}`).getBoundingClientRect();
    if (isPointing && (top < 0 || top > LOWEST * innerHeight)) {
      dom.byId(`text-${side + 1}`).closest(".side").scrollIntoView();
    }
  }

  /** Follow a link within the page: what comes after the "#" in the URL is the state, not a place in the page. */
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
