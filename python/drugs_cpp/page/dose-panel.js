import { byId, element } from "./dom.js";
import { DoseControl } from "./dose-control.js";
import { Presets } from "./presets.js";
import { SITES } from "./sites.js";

/** The doses at all sites that the model has for the chosen kind of noise. */
export class DosePanel {
  #settings;
  #controls = new Map();
  #sites = { isotropic: [], reference: [] };
  #sober = {};
  #presets;

  constructor(settings) {
    this.#settings = settings;
    this.#presets = new Presets(settings);
    settings.onChange(() => this.#update());
  }

  /** @returns {string[]} the sites that can be dosed now */
  get sites() {
    return this.#sites[this.#settings.values.noise];
  }

  /** The field "drugs" of a sober request: computed as dosed ones are, so that both start the same and share what is cached. */
  get sober() {
    return this.#sober;
  }

  /** Show the sites and limits that the server reports in /props. */
  show(limits) {
    this.#sites = limits.sites;
    this.#sober = limits.repeatable === "never" ? {} : { repeatable: true };
    const known = SITES.filter(({ name }) => Object.values(limits.sites).some((names) => names.includes(name)));
    this.#controls = new Map(known.map((site) => [site.name, new DoseControl(site, limits, this.#settings)]));
    const nodes = Array.from(this.#controls.values(), ({ node }) => node);
    this.#presets.show(limits.effects ?? {});
    byId("sites").replaceChildren(...(nodes.length ? nodes : [element("p", { class: "quiet" }, "This model has no site that can be dosed.")]));
    this.#update();
  }

  /** Unfold the sites if they say more than the buttons do. */
  unfold() {
    byId("advanced").open ||= !this.#presets.isOneChosen;
  }

  #update() {
    for (const [name, control] of this.#controls) {
      control.node.hidden = !this.sites.includes(name);
      control.update(this.#settings.values);
    }
  }
}
