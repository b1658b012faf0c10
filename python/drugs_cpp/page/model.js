import { getJson, useModel } from "./api.js";
import { byId, element } from "./dom.js";

/**
 * The /props of the model. Where a server has several models, the user chooses one, and all following requests name it.
 * @param {import("./settings.js").Settings} settings
 */
export async function modelProps(settings) {
  useModel("");
  const props = await getJson("/props");
  if (props.role !== "router") {
    showName(props.model_alias);
    return props;
  }
  const names = (await getJson("/v1/models")).data.map(({ id }) => id);
  if (names.length === 0) {
    throw new Error("The server has no model yet: put a GGUF file into its folder of models.");
  }
  const name = names.includes(settings.values.model) ? settings.values.model : names[0];
  showChoice(names, name);
  useModel(name);
  return getJson("/props"); // loads the model
}

/** A model without a name of its own is shown as its file, without the folder. */
function showName(alias) {
  byId("models").hidden = true;
  byId("model").textContent = alias.endsWith(".gguf") ? alias.split("/").pop() : alias;
}

function showChoice(names, chosen) {
  byId("model").textContent = "";
  const list = byId("models");
  list.hidden = false;
  list.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  list.value = chosen;
}
