"use strict";

/** All parts of the explorer. They are classic scripts, because browsers do not load modules from a disk. */
window.explorer = {};

/** Creates and finds elements. */
explorer.dom = (() => {
  /**
   * Create an element. Names that start with "on" add listeners, all others set attributes; strings among the children stay text.
   * @param {string} name
   * @param {Record<string, unknown>} [attributes] false and undefined omit an attribute
   * @param {...(Node | string)} children
   */
  const element = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

  /** The same for an SVG element. */
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

  /** The element with this id. */
  const byId = (id) => document.getElementById(id);

  /** Announce this to screen readers. */
  function announce(text) {
    byId("status").textContent = text;
  }

  /** "1 text", "2 texts". */
  const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

  /** Set the options of a select element; they are replaced only if they changed. */
  function fill(select, values, chosen, title = (value) => value) {
    if (select.options.length !== values.length || values.some((value, i) => select.options[i].value !== value)) {
      select.replaceChildren(...values.map((value) => element("option", { value }, title(value))));
    }
    select.value = chosen;
  }

  return { element, drawing, byId, announce, count, fill };
})();
