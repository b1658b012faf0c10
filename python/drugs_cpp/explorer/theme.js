"use strict";

/** Light or dark: the system's setting until the user chooses; the server's page reads the same choice. */
(() => {
  const KEY = "drugs-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = explorer.dom.byId("theme");

  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

  const show = () => button.setAttribute("aria-pressed", String(isDark()));

  function choose(theme) {
    document.documentElement.dataset.theme = theme;
    show();
  }

  const chosen = explorer.kept.read(KEY);
  if (chosen === "dark" || chosen === "light") {
    choose(chosen);
  }
  show();
  system.addEventListener("change", show);
  button.addEventListener("click", () => {
    choose(isDark() ? "light" : "dark");
    explorer.kept.write(KEY, document.documentElement.dataset.theme);
  });
})();
