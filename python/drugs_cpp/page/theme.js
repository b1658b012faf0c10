import { byId } from "./dom.js";
import { ofBrowser } from "./storage.js";

const KEY = "drugs-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const button = byId("theme");

const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

const show = () => button.setAttribute("aria-pressed", String(isDark()));

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  show();
}

const chosen = ofBrowser.get(KEY);
if (chosen === "dark" || chosen === "light") {
  choose(chosen);
}
show();
system.addEventListener("change", show);
button.addEventListener("click", () => {
  choose(isDark() ? "light" : "dark");
  ofBrowser.set(KEY, document.documentElement.dataset.theme);
});
