import { read, write } from "./address.js";
import { Composer, EXAMPLES } from "./composer.js";
import { ConversationView } from "./conversation-view.js";
import { Conversation } from "./conversation.js";
import { CourseField } from "./course-field.js";
import { byId } from "./dom.js";
import { DosePanel } from "./dose-panel.js";
import { drugsOf, settingsOf, summary } from "./doses.js";
import { initDrawer } from "./drawer.js";
import { HoldField } from "./hold-field.js";
import { modelProps } from "./model.js";
import { dismissNotice, notify } from "./notice.js";
import { OthersView } from "./others-view.js";
import { ProbabilityPanel } from "./probability-panel.js";
import { SettingsForm } from "./settings-form.js";
import { DEFAULTS, Settings } from "./settings.js";
import { Shower } from "./shower.js";

const WAIT_FOR_MORE = 250; // ms; browsers refuse to change the address more often

const settings = new Settings();
const panel = new DosePanel(settings);
const conversation = new Conversation(settings, () => panel.sites, () => panel.sober, showProgress);
const view = new ConversationView({ conversation, settings, panel: new ProbabilityPanel(), sites: () => panel.sites });
const composer = new Composer(settings, conversation);
const shower = new Shower(() => conversation.isRunning);
let usual = { doses: {} };
let writing = 0;
let isFollowing = false;
let connections = 0; // that were begun

function showProgress() {
  view.schedule();
  composer.update();
  if (conversation.isRunning) {
    shower.watch();
  }
}

/** Take all settings from the address. */
function restore() {
  const found = read(location.hash);
  const prompt = found.prompt ?? (found.messages ? "" : EXAMPLES[0]);
  settings.change({ ...DEFAULTS, ...(found.doses ? {} : usual), ...found, prompt });
  conversation.restore(settings.values.messages);
}

function showSummary(values) {
  byId("summary").textContent = summary(drugsOf(values, panel.sites));
}

function keepAddress(values) {
  clearTimeout(writing);
  writing = setTimeout(() => history.replaceState(null, "", `#${write(values)}`), WAIT_FOR_MORE);
}

/** The usual settings of this server: the doses that it was started with, or a mild one. */
function usualSettings({ dosage, dose_max: most, sites }) {
  if (dosage.noise) {
    return settingsOf(dosage, sites[dosage.noise]);
  }
  const site = sites.isotropic.includes("A") ? "A" : sites.isotropic[0];
  return { doses: site ? { [site]: Math.min(0.2, most ?? Infinity) } : {} };
}

/**
 * Load a model. The composer is off meanwhile: a message would have no model, and restoring the address would remove it.
 * Where another model is chosen before this one is loaded, only the last one counts.
 */
async function connect() {
  const mine = ++connections;
  dismissNotice();
  byId("composer").inert = true;
  try {
    settings.change({ model: read(location.hash).model ?? "" });
    const props = await modelProps(settings);
    if (mine !== connections) {
      return;
    }
    byId("n").max = props.total_slots;
    usual = usualSettings(props.drugs);
    panel.show(props.drugs);
    restore();
    follow();
    shower.watch();
    if (!props.drugs.has_chat_template) {
      notify("This model has no chat template: it may answer with nothing or nonsense. The server continues a text at /v1/completions.", connect);
    }
  } catch (error) {
    if (mine === connections) {
      byId("model").textContent = "no model";
      notify(error.message, connect);
    }
  } finally {
    if (mine === connections) {
      byId("composer").inert = false;
    }
  }
}

/** From now on the address and the settings follow each other. */
function follow() {
  if (!isFollowing) {
    settings.onChange(keepAddress);
    addEventListener("hashchange", restore);
  }
  isFollowing = true;
}

function changeModel(event) {
  settings.change({ model: event.target.value });
  history.replaceState(null, "", `#${write(settings.values)}`);
  connect();
}

new SettingsForm(settings);
new HoldField(settings);
new CourseField(settings);
new OthersView(settings);
settings.onChange(showSummary);
byId("models").addEventListener("change", changeModel);
initDrawer();
settings.change({}); // shows them
connect();
