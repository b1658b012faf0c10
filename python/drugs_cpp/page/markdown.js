import DOMPurify from "./libraries/dompurify.js";
import { marked } from "./libraries/marked.js";
import { mathExtensions } from "./maths.js";

const TAGS = ["a", "b", "blockquote", "br", "code", "del", "em", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s", "span", "strong",
  "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"];
const ATTRIBUTES = ["align", "data-display", "data-tex", "href", "start", "title"];

const ABOVE = 3; // headings of the page above those of an answer

/** What a text is not: markup of its own is shown as it was written, and pictures as links, so that nothing is loaded. */
const renderer = {
  html: (html) => escaped(html),
  image: (href, title, text) => `<a href="${escaped(href ?? "")}">${escaped(text || title || href || "")}</a>`,
  checkbox: (isChecked) => (isChecked ? "☑ " : "☐ "),
  heading: (content, level) => `<h${Math.min(level + ABOVE, 6)}>${content}</h${Math.min(level + ABOVE, 6)}>\n`,
};

marked.use({ renderer, extensions: mathExtensions, gfm: true, breaks: true, headerIds: false, mangle: false });

/**
 * Markdown as nodes that hold no script, no style and nothing from elsewhere. What is maths has its source in data-tex.
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function rendered(text) {
  const fragment = DOMPurify.sanitize(marked.parse(text), { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, RETURN_DOM_FRAGMENT: true });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  for (const block of fragment.querySelectorAll("pre")) {
    block.tabIndex = 0; // so that the keyboard can scroll it
  }
  return fragment;
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (text) => text.replace(/[&<>"]/g, (character) => ESCAPES[character]);
