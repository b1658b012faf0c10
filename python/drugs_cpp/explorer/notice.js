"use strict";

/** Shows an error until the user dismisses it. */
explorer.notice = (() => {
  const { dom } = explorer;

  function show(text) {
    dom.byId("notice-text").textContent = text;
    dom.byId("notice").hidden = false;
  }

  dom.byId("dismiss").addEventListener("click", () => (dom.byId("notice").hidden = true));
  return { show };
})();
