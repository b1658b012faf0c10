"use strict";

/** The list of favourites with their notes; export and import. */
explorer.favouritesView = (() => {
  const { dom, favourites, state, nearest, settings, data } = explorer;
  const LENGTH = 140; // characters of a text that are shown

  function show() {
    const all = favourites.all();
    dom.byId("n-favourites").textContent = all.length ? "" : "None yet: press “Favourite” below a text.";
    dom.byId("export-favourites").disabled = all.length === 0;
    dom.byId("favourites").replaceChildren(...all.map(item));
  }

  function item(one, number) {
    const { element } = dom;
    const id = `note-${number + 1}`;
    const note = element("textarea", { id, rows: 2, placeholder: "A note", oninput: ({ target }) => favourites.note(one, target.value) });
    note.value = one.note;
    return element("li", {},
      element("button", { type: "button", class: "found", onclick: () => open(one) },
        element("span", { class: "quiet" }, inWords(one)),
        element("span", { class: "snippet" }, one.text.slice(0, LENGTH) + (one.text.length > LENGTH ? " …" : ""))),
      element("label", { class: "hidden", for: id }, `Note on favourite ${number + 1}`), note,
      element("button", { type: "button", class: "plain", onclick: () => favourites.toggle(one) }, "Remove"));
  }

  function inWords({ model, quantization, prompt, site, dose, sampler, profile, noise, more, seed }) {
    const setting = settings.isDosed(site) ? [`${site} ${dose}`, profile, noise] : [site === "sampler" ? sampler : site];
    return [model, quantization, prompt, ...setting, more, `seed ${seed}`].filter(Boolean).join(" · ");
  }

  /** Show a favourite, or what is nearest to it in this sweep. */
  function open(one) {
    const k = nearest.block(data.index, one);
    state.choose(state.values.active, nearest.setting(settings.of(data.index.blocks[k]), one), { seed: one.seed, block: k });
  }

  function save() {
    const url = URL.createObjectURL(new Blob([favourites.asText()], { type: "application/json" }));
    dom.element("a", { href: url, download: "favourites.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000); // once the browser has read it
  }

  async function add({ target }) {
    const [file] = target.files;
    try {
      dom.announce(`Read ${dom.count(favourites.add(await file.text()), "favourite")}`);
    } catch (error) {
      explorer.notice.show(`${file.name} cannot be read: ${error.message}`);
    }
    target.value = ""; // so that the same file can be chosen again
  }

  function init() {
    favourites.onChange(show);
    dom.byId("export-favourites").addEventListener("click", save);
    dom.byId("import-favourites").addEventListener("change", add);
  }

  return { init, show };
})();
