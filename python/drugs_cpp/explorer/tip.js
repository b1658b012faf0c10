"use strict";

/** The tooltip: what the other text has in place of a difference, or the setting of a point in the plot. */
explorer.tip = (() => {
  const tip = explorer.dom.byId("tip");
  const GAP = 6; // pixels

  /** @param {{left: number, top: number, bottom: number}} box what it belongs to, in the window's coordinates */
  function show(box, text) {
    tip.textContent = text;
    tip.hidden = false;
    const own = tip.getBoundingClientRect();
    const left = Math.max(GAP, Math.min(box.left, document.documentElement.clientWidth - own.width - GAP));
    const below = box.bottom + GAP + own.height < innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? box.bottom + GAP : Math.max(GAP, box.top - GAP - own.height)}px`;
  }

  function hide() {
    tip.hidden = true;
  }

  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", hide, { capture: true, passive: true });
  return { show, hide };
})();
