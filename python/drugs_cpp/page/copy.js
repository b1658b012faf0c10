import { toast } from "./toast.js";

/** Put a text into the clipboard, and say so. */
export async function copy(text, said = "Copied.") {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast(copyOld(text) ? said : "The browser does not let this page use the clipboard.");
  }
}

// a page that came over plain HTTP from another computer has no navigator.clipboard
function copyOld(text) {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  before?.focus();
  return isCopied;
}
