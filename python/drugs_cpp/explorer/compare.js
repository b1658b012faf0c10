"use strict";

/** The two texts with their differences marked; each marked piece shows what the other text has in its place. */
explorer.compare = (() => {
  const { dom, diff, tip } = explorer;
  const boxes = () => [0, 1].map((side) => dom.byId(`text-${side + 1}`));
  const ORDINALS = ["first", "second"];
  let shown = [null, null];

  /**
   * @param {(string | undefined)[]} texts undefined: not loaded yet
   * @param {boolean} isMarked
   */
  function show(texts, isMarked) {
    const key = [...texts, isMarked];
    if (key.every((part, i) => part === shown[i])) {
      return;
    }
    shown = key;
    tip.hide();
    const words = texts.map((text) => diff.words(text ?? ""));
    const isCompared = isMarked && texts.every((text) => text !== undefined);
    const hunks = isCompared ? diff.hunks(...words) : [];
    boxes().forEach((box, side) => {
      box.replaceChildren(...pieces(texts, words, hunks, side));
      box.querySelector(".differs")?.setAttribute("tabindex", "0");
    });
    dom.byId("difference").textContent = isCompared ? inWords(hunks, words) : "";
  }

  function inWords(hunks, words) {
    if (hunks.length === 0) {
      return "The texts are the same.";
    }
    const [a, b] = ["a", "b"].map((side) => hunks.reduce((sum, hunk) => sum + hunk[side][1] - hunk[side][0], 0));
    const share = (part, whole) => `${Math.round((100 * part) / Math.max(1, whole.length))} %`;
    return `${dom.count(hunks.length, "difference")}: ${share(a, words[0])} of the first text, ${share(b, words[1])} of the second.`;
  }

  function pieces(texts, words, hunks, side) {
    const text = texts[side] ?? "";
    const own = side === 0 ? "a" : "b";
    const parts = [];
    let done = 0;
    hunks.forEach((hunk, number) => {
      const [from, to] = places(words[side], hunk[own], text.length);
      parts.push(text.slice(done, from), piece(text.slice(from, to), otherText(texts, words, hunk, side), number, side));
      done = to;
    });
    parts.push(text.slice(done));
    return parts.filter((part) => part !== "");
  }

  /** Where words begin and end in their text; if there are no words, the end of the word before them, twice. */
  function places(words, [start, end], length) {
    if (start === end) {
      const at = start > 0 ? words[start - 1].end : words[0]?.start ?? length;
      return [at, at];
    }
    return [words[start].start, words[end - 1].end];
  }

  function otherText(texts, words, hunk, side) {
    const other = side === 0 ? 1 : 0;
    return texts[other].slice(...places(words[other], hunk[other === 0 ? "a" : "b"], texts[other].length));
  }

  function piece(own, other, number, side) {
    const there = ORDINALS[1 - side];
    const says = other === "" ? `Only in this text` : own === "" ? `Missing here: “${other}”` : `The ${there} text: “${other}”`;
    return dom.element("span", {
      class: own === "" ? "differs gap" : "differs",
      role: "button",
      tabindex: -1,
      "data-hunk": number,
      "data-says": says,
      "aria-label": own === "" ? says : false,
      "aria-describedby": "tip",
    }, own);
  }

  function link(target, isLinked) {
    const number = target.dataset.hunk;
    boxes().forEach((box) => box.querySelectorAll(`[data-hunk="${number}"]`).forEach((node) => node.classList.toggle("linked", isLinked)));
  }

  const differing = (event) => event.target.closest?.(".differs");

  function point(event) {
    const target = differing(event);
    if (target) {
      link(target, true);
      tip.show(target.getBoundingClientRect(), target.dataset.says);
    }
  }

  function leave(event) {
    const target = differing(event);
    if (target) {
      link(target, false);
      tip.hide();
    }
  }

  /** Arrow keys move from one difference to the next. */
  function step(event) {
    const target = differing(event);
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!target || !by) {
      return;
    }
    event.preventDefault();
    const all = [...event.currentTarget.querySelectorAll(".differs")];
    const next = all[all.indexOf(target) + by];
    if (next) {
      target.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
  }

  function init() {
    for (const box of boxes()) {
      box.addEventListener("mouseover", point);
      box.addEventListener("mouseout", leave);
      box.addEventListener("focusin", point);
      box.addEventListener("focusout", leave);
      box.addEventListener("click", point);
      box.addEventListener("keydown", step);
    }
  }

  return { init, show };
})();
