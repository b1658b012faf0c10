"use strict";

/** Where `drugs serve` runs, whose page goes on with a text. */
explorer.server = (() => {
  const { dom, kept } = explorer;
  const KEY = "drugs-explorer-server";
  const field = dom.byId("server");

  /** The address that is given; an address that is none counts as the usual one. */
  const address = () => (isAddress(field.value) ? field.value.trim().replace(/\/+$/, "") : field.placeholder);

  const isAddress = (text) => /^https?:\/\/[^\s/?#]+/.test(text.trim());

  function init(onChange) {
    field.value = kept.read(KEY) ?? field.placeholder;
    field.addEventListener("input", () => {
      field.setAttribute("aria-invalid", String(!isAddress(field.value)));
      kept.write(KEY, field.value);
      onChange();
    });
  }

  return { init, address };
})();
