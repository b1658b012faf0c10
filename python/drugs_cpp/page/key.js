import { byId } from "./dom.js";
import { ofTab } from "./storage.js";

const NAME = "drugs-key";

/** The API key that the user has given in this tab, or null. */
export const currentKey = () => ofTab.get(NAME);

let pending = null;

/**
 * Ask the user for a key, with one dialog for all requests that need it.
 * @param {string | null} refused the key that the server did not accept
 * @returns {Promise<boolean>} whether there is another key now
 */
export function askForKey(refused) {
  if (!pending && currentKey() !== refused) {
    return Promise.resolve(true); // the user has given one meanwhile
  }
  pending ??= showDialog(refused !== null).finally(() => (pending = null));
  return pending;
}

function showDialog(wasRefused) {
  const dialog = byId("key-dialog");
  const field = byId("key");
  byId("key-title").textContent = wasRefused ? "The server refused this key" : "This server needs a key";
  dialog.returnValue = "";
  field.value = "";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const isGiven = dialog.returnValue === "given" && field.value !== "";
      if (isGiven) {
        ofTab.set(NAME, field.value);
      }
      resolve(isGiven);
    }, { once: true });
  });
}

byId("key-submit").value = "given";
byId("key-cancel").addEventListener("click", () => byId("key-dialog").close());
