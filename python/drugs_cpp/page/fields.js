import { byId } from "./dom.js";

/**
 * A field for a whole number. Any other value is ignored, and replaced when the field loses its focus.
 * @param {(value: number) => void} take
 * @param {() => void} show
 */
export function onWholeNumber(id, least, most, take, show) {
  onNumber(id, least, most, (value) => Number.isInteger(value) && take(value), show);
}

/** The same for any number. */
export function onNumber(id, least, most, take, show) {
  byId(id).addEventListener("input", ({ target }) => {
    const value = target.valueAsNumber;
    if (value >= least && value <= most) {
      take(value);
    }
  });
  byId(id).addEventListener("change", show);
}

/** Show a value, but do not change what the user is typing if it means the same. */
export function showIn(field, value) {
  if (field.value !== String(value) && !(field.type === "number" && field === document.activeElement && field.valueAsNumber === value)) {
    field.value = value;
  }
}

/** Show a choice, and what it means where the mouse is. */
export function choose(field, value) {
  field.value = String(value);
  field.title = field.selectedOptions[0].title;
}
