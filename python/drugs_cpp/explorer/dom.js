"use strict";

/** All parts of the explorer. They are classic scripts, because browsers load no modules from a disk. */
window.explorer = {};

/** Makes and finds elements. */
explorer.dom = (() => {
  /**
   * Make an element. Names that start with "on" are listeners, all others attributes; text children stay text.
   * @param {string} name
   * @param {Record<string, unknown>} [attributes] false and undefined leave one out
   * @param {...(Node | string)} children
   */
  const element = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

  /** The same for a part of a drawing. */
  const drawing = (name, attributes = {}, ...children) => filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) {
        node.addEventListener(name.slice(2), value);
      } else if (value !== false && value !== undefined) {
        node.setAttribute(name, value === true ? "" : String(value));
      }
    }
    node.append(...children);
    return node;
  }

  /** The element of the page with this id. */
  const byId = (id) => document.getElementById(id);

  /** Have a screen reader say this. */
  function announce(text) {
    byId("status").textContent = text;
  }

  /** "1 text", "2 texts". */
  const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

  /** Options of a choice, made anew only where they are others. */
  function fill(select, values, chosen, title = (value) => value) {
    if (select.options.length !== values.length || values.some((value, i) => select.options[i].value !== value)) {
      select.replaceChildren(...values.map((value) => element("option", { value }, title(value))));
    }
    select.value = chosen;
  }

  return { element, drawing, byId, announce, count, fill };
})();
