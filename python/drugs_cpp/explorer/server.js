"use strict";

/** The address of `drugs serve`, whose page can continue a text. */
explorer.server = (() => {
  const { dom, kept } = explorer;
  const KEY = "drugs-explorer-server";
  const field = dom.byId("server");

  /** The address in the field, or the default if that is not an address. */
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
