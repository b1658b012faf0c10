/** Maths in Markdown: $…$, \(…\), $$…$$ and \[…\]. The source stays as it is, for Markdown would take underscores for emphasis. */
export const mathExtensions = [
  extension("block-maths", "block", /^(?:\$\$([^$]+?)\$\$|\\\[([^]+?)\\\])/, /\$\$|\\\[/, true),
  extension("displayed-maths", "inline", /^(?:\$\$([^$]+?)\$\$|\\\[([^]+?)\\\])/, /\$\$|\\\[/, true),
  // a dollar sign before white space, or after it, or before a digit, is one of money
  extension("inline-maths", "inline", /^(?:\$(?!\s)([^$\n]+?)(?<!\s)\$(?!\d)|\\\(([^]+?)\\\))/, /\$|\\\(/, false),
];

function extension(name, level, pattern, start, isDisplayed) {
  return {
    name,
    level,
    start: (text) => start.exec(text)?.index,
    tokenizer(text) {
      const [raw, dollars, brackets] = pattern.exec(text) ?? [];
      return raw && { type: name, raw, tex: (dollars ?? brackets).trim() };
    },
    renderer: ({ tex, raw }) => `<span data-tex="${quoted(tex)}"${isDisplayed ? ' data-display="true"' : ""}>${quoted(raw)}</span>`,
  };
}

const quoted = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");

/** No links and pictures, no lengths that leave the answer, no macros that go on and on. */
const SAFE = { throwOnError: true, strict: "ignore", trust: false, maxSize: 20, maxExpand: 500 };

/** Show the maths of a rendered text. It is MathML, which the browser draws with its own fonts. */
export async function showMaths(root) {
  const nodes = root.querySelectorAll("[data-tex]");
  if (nodes.length === 0) {
    return;
  }
  await import("./libraries/katex.js"); // large, so it is loaded only where there is maths
  const { katex } = globalThis;
  for (const node of nodes) {
    const written = node.textContent;
    try {
      katex.render(node.dataset.tex, node, { ...SAFE, output: "mathml", displayMode: "display" in node.dataset });
    } catch {
      node.textContent = written; // it is not TeX
    }
  }
}
