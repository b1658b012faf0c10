import { read, write } from "./address.js";
import { Composer, EXAMPLES } from "./composer.js";
import { ConversationView } from "./conversation-view.js";
import { Conversation } from "./conversation.js";
import { ConversationsView } from "./conversations-view.js";
import { CourseField } from "./course-field.js";
import { byId } from "./dom.js";
import { DosePanel } from "./dose-panel.js";
import { drugsOf, settingsOf, summary } from "./doses.js";
import { initDrawer } from "./drawer.js";
import { Hints } from "./hints.js";
import { HoldField } from "./hold-field.js";
import { Keeper } from "./keeper.js";
import { initLink } from "./link.js";
import { modelProps } from "./model.js";
import { dismissNotice, notify } from "./notice.js";
import { OthersView } from "./others-view.js";
import { rounded } from "./presets.js";
import { ProbabilityPanel } from "./probability-panel.js";
import { SettingsForm } from "./settings-form.js";
import { DEFAULTS, Settings } from "./settings.js";
import { Shower } from "./shower.js";
import { Store } from "./store.js";
import { Turn } from "./turn.js";

const WAIT_FOR_MORE = 250; // ms; browsers refuse to change the address more often
const USUAL_EFFECT = "medium";
const PROGRAM = document.title;
const USUAL_INPUTS = "last"; // it costs next to nothing, and texts differ from their first word on

let hasTemplate = true;
let usual = { doses: {} };
let writing = 0;
let writtenPrompt = ""; // the last one that the user wrote
let isFollowing = false;
let connections = 0; // that were begun

const settings = new Settings();
const panel = new DosePanel(settings);
const isText = () => settings.values.messagesAs === "text" || (settings.values.messagesAs === "" && !hasTemplate);
const conversation = new Conversation(settings, { sites: () => panel.sites, sober: () => panel.sober, isText }, showProgress);
const view = new ConversationView({ conversation, settings, panel: new ProbabilityPanel(), sites: () => panel.sites });
const composer = new Composer(settings, conversation, isText);
const hints = new Hints(settings, () => drugsOf(settings.values, panel.sites), isText);
const shower = new Shower(() => conversation.isRunning);
const store = new Store();
const keeper = new Keeper(store, conversation, (name) => {
  document.title = [name, PROGRAM].filter((part) => part !== "").join(" · "); // tabs and the browser's history can be told apart
});

function showProgress() {
  view.schedule();
  composer.update();
  keeper.change();
  if (conversation.isRunning) {
    shower.watch();
  }
}

/** Take all settings from the address, and the messages if it has any. */
async function restore() {
  const { messages, ...found } = read(location.hash);
  await keeper.restored;
  const hasSome = messages?.length > 0 || conversation.turns.length > 0;
  const draft = isFollowing ? settings.values.prompt : "";
  settings.change({ ...DEFAULTS, ...(found.doses ? {} : usual), ...found, prompt: found.prompt ?? (draft || (hasSome ? "" : EXAMPLES[0])) });
  panel.unfold();
  if (messages?.length > 0) {
    await keeper.begin(messages.map((message) => new Turn(message)));
  }
}

function showSummary(values) {
  byId("summary").textContent = summary(drugsOf(values, panel.sites));
}

function keepAddress(values) {
  clearTimeout(writing);
  const wasSent = values.prompt === "" && writtenPrompt !== "";
  writtenPrompt = values.prompt;
  if (wasSent) { // it must not come back with a reload
    writeAddress(values);
  } else {
    writing = setTimeout(() => writeAddress(values), WAIT_FOR_MORE);
  }
}

function writeAddress(values) {
  history.replaceState(null, "", `#${write(values)}`);
}

/** The usual settings of this server: the doses that it was started with, or some of medium effect. */
function usualSettings({ dosage, dose_max: most, sites, effects = {} }) {
  if (dosage.noise) {
    return settingsOf(dosage, sites[dosage.noise]);
  }
  if (effects[USUAL_EFFECT]) {
    return { doses: rounded(effects[USUAL_EFFECT].doses), doseInputs: USUAL_INPUTS };
  }
  const site = sites.isotropic.includes("A") ? "A" : sites.isotropic[0];
  return { doses: site ? { [site]: Math.min(0.2, most ?? Infinity) } : {}, doseInputs: USUAL_INPUTS };
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
    hasTemplate = props.drugs.has_chat_template;
    usual = usualSettings(props.drugs);
    panel.show(props.drugs);
    await restore();
    follow();
    shower.watch();
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
    keepAddress(settings.values);
  }
  isFollowing = true;
}

function changeModel(event) {
  settings.change({ model: event.target.value });
  writeAddress(settings.values);
  connect();
}

function stopOnEscape({ key, defaultPrevented }) {
  if (key === "Escape" && !defaultPrevented && conversation.isRunning) {
    conversation.stop();
  }
}

new SettingsForm(settings);
new HoldField(settings);
new CourseField(settings);
new OthersView(settings);
new ConversationsView(store, keeper);
initLink(settings, conversation);
settings.onChange(showSummary);
settings.onChange(() => view.schedule()); // answers may be formatted now
byId("models").addEventListener("change", changeModel);
byId("formatted").addEventListener("click", ({ currentTarget }) => {
  settings.change({ isFormatted: currentTarget.getAttribute("aria-pressed") !== "true" });
});
document.addEventListener("keydown", stopOnEscape);
initDrawer();
hints.update();
settings.change({}); // shows them
connect();
