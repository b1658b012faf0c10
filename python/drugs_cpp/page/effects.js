import { byId, element } from "./dom.js";
import { DEFAULTS } from "./settings.js";

/** Settings that change what an angle does: an effect is that of the usual ones. */
const USUAL = ["shapes", "noise", "hold", "layers", "course", "angle", "turn", "apart"];

const SOURCES = {
  calibrated: "measured with this file",
  table: "measured with this file",
  estimated: "estimated from other models; `drugs-lab titrate` measures it",
};

/**
 * Buttons that set doses by their effect on the model.
 * @param {Record<string, {nats: number, doses: Record<string, number>, source: string}>} effects by name
 * @param {import("./settings.js").Settings} settings
 */
export function showEffects(effects, settings) {
  const usual = Object.fromEntries(USUAL.map((name) => [name, DEFAULTS[name]]));
  const buttons = Object.entries(effects).map(([name, { nats, doses, source }]) => element("button", {
    type: "button",
    title: `Moves the probabilities of the next token by ${nats} nats on average: ${SOURCES[source] ?? source}`,
    onclick: () => settings.change({ ...usual, doses: rounded(doses) }),
  }, name));
  byId("effects").hidden = buttons.length === 0;
  byId("effects").replaceChildren(...buttons);
}

// as the fields show them
const rounded = (doses) => Object.fromEntries(Object.entries(doses).map(([site, angle]) => [site, Number(angle.toPrecision(4))]));
