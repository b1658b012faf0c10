"use strict";

/** Copies a text to the clipboard. */
explorer.copy = (() => {
  const { dom } = explorer;

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copySelected(text); // not allowed, or the page was loaded over plain HTTP
    }
    dom.announce("Copied");
  }

  function copySelected(text) {
    const area = dom.element("textarea", { class: "hidden", "aria-hidden": "true", tabindex: -1 });
    const focused = document.activeElement;
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    focused?.focus();
  }

  return copy;
})();
