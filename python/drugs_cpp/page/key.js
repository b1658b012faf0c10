import { byId } from "./dom.js";

const NAME = "drugs-key";

/** The API key that the user has given in this tab, or null. */
export const currentKey = () => sessionStorage.getItem(NAME);

let asking = null;

/**
 * Ask the user for a key, once for all who need one now.
 * @param {string | null} refused the key that the server did not accept
 * @returns {Promise<boolean>} whether there is another key now
 */
export function askForKey(refused) {
  if (!asking && currentKey() !== refused) {
    return Promise.resolve(true); // somebody else has asked meanwhile
  }
  asking ??= showDialog(refused !== null).finally(() => (asking = null));
  return asking;
}

function showDialog(wasRefused) {
  const dialog = byId("key-dialog");
  const field = byId("key");
  byId("key-title").textContent = wasRefused ? "The server refused this key" : "This server asks for a key";
  dialog.returnValue = "";
  field.value = "";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const isGiven = dialog.returnValue === "given" && field.value !== "";
      if (isGiven) {
        sessionStorage.setItem(NAME, field.value);
      }
      resolve(isGiven);
    }, { once: true });
  });
}

byId("key-submit").value = "given";
byId("key-cancel").addEventListener("click", () => byId("key-dialog").close());
