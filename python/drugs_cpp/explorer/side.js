"use strict";

/** One of the two sides: controls that choose its text, the text, and how it was written. */
explorer.Side = class {
  static TITLES = ["First text", "Second text"];
  static FIELDS = [["site", "Site"], ["profile", "Profile"], ["noise", "Noise"], ["more", "More"]];
  static CODES = [["python", "Python"], ["commandLine", "Command line"], ["curl", "curl"]];

  #number;
  #nodes = {};
  #track = [];
  #code = "python";
  #text;
  #row;

  /** @param {0 | 1} number */
  constructor(number) {
    this.#number = number;
    this.#build();
  }

  #build() {
    const { element } = explorer.dom;
    const id = (name) => `${name}-${this.#number + 1}`;
    const nodes = this.#nodes;
    const selects = explorer.Side.FIELDS.map(([field, title]) => {
      nodes[field] = element("select", { id: id(field), onchange: ({ target }) => this.#change(field, target.value) });
      nodes[`${field}Field`] = element("div", { class: "choice" }, element("label", { for: id(field) }, title), nodes[field]);
      return nodes[`${field}Field`];
    });
    nodes.dose = element("input", { id: id("dose"), type: "range", min: 0, step: 1, oninput: ({ target }) => this.#step(target.valueAsNumber) });
    nodes.doseShown = element("span", { class: "number", "aria-hidden": "true" }); // screen readers read the slider's own value
    nodes.doseTitle = element("label", { for: id("dose") }, "Dose");
    nodes.doseField = element("div", { class: "dose" }, nodes.doseTitle, nodes.doseShown, nodes.dose);
    nodes.seeds = element("fieldset", { class: "seeds", onchange: ({ target }) => this.#change("seed", Number(target.value)) });
    nodes.elsewhere = element("p", { class: "quiet elsewhere", id: id("elsewhere") });
    nodes.about = element("p", { class: "quiet about" });
    nodes.text = element("div", { class: "text", id: id("text") });
    nodes.favourite = element("button", { type: "button", id: id("favourite"), "aria-pressed": "false", onclick: () => explorer.favourites.toggle(this.#what()) }, "Favourite");
    nodes.copy = element("button", { type: "button", onclick: () => explorer.copy(this.#text ?? "") }, "Copy text");
    nodes.page = element("a", { class: "button", id: id("page"), target: "_blank", rel: "noopener" }, "Continue in drugs serve");
    nodes.title = element("h2", { id: id("title") }, explorer.Side.TITLES[this.#number]);
    nodes.summary = element("span", { class: "quiet summary" });
    nodes.keep = element("button", {
      type: "button", class: "plain", id: id("keep"), title: "Keep this text's model and prompt while you choose others for the other text",
      onclick: ({ currentTarget }) => explorer.state.keep(this.#number, currentTarget.getAttribute("aria-pressed") === "false"),
    }, "Keep model");
    nodes.whose = element("span", { class: "quiet whose" });
    nodes.root = element("section", { class: "side", "aria-labelledby": id("title") },
      element("header", {}, nodes.title, nodes.summary, nodes.whose, nodes.keep, element("a", { class: "back", href: "#finder" }, "↑ Find")),
      element("div", { class: "choices" }, ...selects), nodes.doseField, nodes.seeds, nodes.elsewhere,
      nodes.text, nodes.about,
      element("div", { class: "actions" }, nodes.favourite, nodes.copy, nodes.page),
      this.#details(id));
    explorer.dom.byId("sides").append(nodes.root);
  }

  #details(id) {
    const { element } = explorer.dom;
    const nodes = this.#nodes;
    nodes.configuration = element("dl");
    nodes.code = element("pre", { id: id("code"), tabindex: 0, "aria-label": "Code that writes this text again" });
    const choices = explorer.Side.CODES.map(([name, title]) => element("label", {},
      element("input", { type: "radio", name: id("code"), value: name, checked: name === this.#code, onchange: () => this.#showCode(name) }), element("span", {}, title)));
    nodes.details = element("details", { ontoggle: () => this.#showDetails() },
      element("summary", {}, "Configuration and code"), nodes.configuration,
      element("div", { class: "code" },
        element("fieldset", { class: "segments" }, element("legend", { class: "hidden" }, "Code in"), ...choices),
        element("button", { type: "button", onclick: () => explorer.copy(nodes.code.textContent) }, "Copy code")),
      nodes.code);
    return nodes.details;
  }

  #change(field, value) {
    explorer.state.changeSide(this.#number, field, value);
  }

  #step(place) {
    const setting = this.#track[place];
    this.#change(setting.isDosed ? "dose" : "sampler", setting.isDosed ? setting.dose : setting.sampler);
  }

  /**
   * Show what the state says.
   * @param {number | undefined} row of the block's texts; undefined: not loaded yet
   */
  show(state, row) {
    const setting = state.shown[this.#number];
    const there = explorer.settings.of(explorer.state.block(this.#number));
    this.#row = row;
    this.#showKept(state.sides[this.#number].kept);
    this.#nodes.root.classList.toggle("dosed", setting.isDosed);
    this.#nodes.summary.textContent = explorer.settings.inWords(setting, explorer.state.block(this.#number));
    this.#showFields(setting, there);
    this.#showDose(setting, there);
    this.#showElsewhere(state.sides[this.#number], setting, row);
    this.#showSeeds(setting, row);
    this.#showText(row);
    this.#showDetails();
  }

  #showKept(kept) {
    const { models, prompts } = explorer.data.index;
    const { model, prompt } = explorer.state.block(this.#number);
    const { name, quantization } = models[model];
    this.#nodes.keep.setAttribute("aria-pressed", String(kept !== undefined));
    this.#nodes.whose.textContent = kept ? [name, quantization, prompts[prompt].name].filter(Boolean).join(" · ") : "";
  }

  #showFields(setting, there) {
    for (const [field] of explorer.Side.FIELDS) {
      // profiles and noises belong to doses; samplers and sober texts have choices of their own
      const values = [...new Set(there.filter(({ site }) => field === "site" || site === setting.site).map((other) => other[field]))];
      values.sort(field === "site" ? explorer.settings.siteOrder : undefined);
      explorer.dom.fill(this.#nodes[field], values, setting[field], field === "site" ? explorer.settings.siteInWords : undefined);
      this.#nodes[`${field}Field`].hidden = field !== "site" && values.length < 2;
    }
  }

  #showDose(setting, there) {
    const nodes = this.#nodes;
    this.#track = explorer.settings.track(there, setting);
    const place = this.#track.indexOf(setting);
    const last = this.#track.length - 1;
    nodes.doseField.hidden = setting.site === "sober";
    nodes.doseTitle.textContent = setting.isDosed ? "Dose" : "Sampler";
    nodes.dose.max = last;
    nodes.dose.value = place;
    nodes.dose.disabled = last === 0;
    nodes.dose.style.setProperty("--share", last ? place / last : 0);
    const words = explorer.settings.doseInWords(setting) + (setting.isDosed ? " rad" : "");
    nodes.dose.setAttribute("aria-valuetext", words);
    nodes.doseShown.textContent = words;
  }

  /** Show what the user chose that does not exist here. */
  #showElsewhere(wish, setting, row) {
    const fields = setting.isDosed && explorer.settings.isDosed(wish.site) ? ["site", "profile", "noise", "more", "dose"] : ["site"];
    const missing = fields.filter((field) => wish[field] !== setting[field]).map((field) => `${field} ${wish[field]}`);
    if (row !== undefined && this.#seedOf(row) !== wish.seed && wish.seed !== undefined) {
      missing.push(`seed ${wish.seed}`);
    }
    this.#nodes.elsewhere.textContent = missing.length ? `Not available here: ${missing.join(", ")}. This is the nearest.` : "";
  }

  #texts() {
    return explorer.data.texts(explorer.state.values.blocks[this.#number]);
  }

  #seedOf(row) {
    return this.#texts().columns.seed[row];
  }

  #showSeeds(setting, row) {
    const { element } = explorer.dom;
    const rows = row === undefined ? [] : this.#texts().rows.get(setting.number);
    const seeds = rows.map((one) => this.#seedOf(one));
    const nodes = this.#nodes;
    if (nodes.seeds.dataset.seeds !== seeds.join() || row === undefined) {
      nodes.seeds.dataset.seeds = seeds.join();
      nodes.seeds.replaceChildren(element("legend", {}, "Seed"), ...seeds.map((seed) => element("label", {},
        element("input", { type: "radio", name: `seed-${this.#number + 1}`, value: seed }), element("span", {}, String(seed)))));
    }
    const chosen = nodes.seeds.querySelectorAll("input")[rows.indexOf(row)];
    if (chosen) {
      chosen.checked = true;
    }
  }

  #showText(row) {
    const { measures, favourites } = explorer;
    const nodes = this.#nodes;
    this.#text = row === undefined ? undefined : this.#texts().columns.text[row];
    nodes.text.setAttribute("aria-busy", String(row === undefined));
    if (row === undefined) {
      nodes.about.textContent = "Loading …";
      return;
    }
    const own = (name) => this.#texts().columns[name][row];
    const parts = [
      own("n_tokens") === null ? "" : explorer.dom.count(own("n_tokens"), "token"),
      { stop: "ended by itself", length: "cut off at the maximum length" }[own("end")] ?? "",
      own("log_likelihood") === null ? "" : `coherence ${measures.shown(own("log_likelihood"), 2)}`,
      own("parted") === null ? "" : `differs from the sober text from token ${own("parted") + 1} on`,
    ];
    nodes.about.textContent = parts.filter(Boolean).join(" · ");
    nodes.favourite.setAttribute("aria-pressed", String(favourites.has(this.#what())));
    nodes.page.href = explorer.code.page(this.#codeOf());
  }

  /** What a favourite stores. */
  #what() {
    return explorer.favourites.what(explorer.state.values.blocks[this.#number], this.#row);
  }

  #codeOf() {
    const { models, prompts } = explorer.data.index;
    const { model, prompt } = explorer.state.block(this.#number);
    const setting = explorer.state.values.shown[this.#number].raw;
    return { model: models[model], prompt: prompts[prompt], setting, seed: this.#seedOf(this.#row), server: explorer.server.address() };
  }

  #showDetails() {
    if (this.#nodes.details.open && this.#row !== undefined) {
      this.#showConfiguration();
      this.#showCode(this.#code);
    }
  }

  #showCode(name) {
    this.#code = name;
    this.#nodes.code.textContent = explorer.code[name](this.#codeOf());
  }

  #showConfiguration() {
    const { element } = explorer.dom;
    const entries = explorer.configuration({ ...this.#codeOf(), columns: this.#texts().columns, row: this.#row });
    this.#nodes.configuration.replaceChildren(...entries.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  }
};
