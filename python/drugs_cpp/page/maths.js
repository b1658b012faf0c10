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

/** Show the maths of a rendered text. It is MathML, which the browser draws with its own fonts. */
export async function showMaths(root) {
  const nodes = root.querySelectorAll("[data-tex]");
  if (nodes.length === 0) {
    return;
  }
  await import("./libraries/katex.js"); // large, so it is loaded only where there is maths
  const { katex } = globalThis;
  for (const node of nodes) {
    try {
      katex.render(node.dataset.tex, node, { output: "mathml", displayMode: "display" in node.dataset, throwOnError: true, trust: false });
    } catch {
      // what is not TeX stays as it was written
    }
  }
}
