import { follow, requestsFor } from "./requests.js";

/** One message of the user, and what the model made of it. */
class Turn {
  /** @type {import("./answer.js").Answer[]} */
  answers = [];
  /** the field "drugs" of its sober requests */
  sober = {};
  error = "";
  /** which answer the conversation goes on from */
  kept = 0;

  constructor(user) {
    this.user = user;
  }
}

/** The turns, and the one that is being answered. */
export class Conversation {
  /** @type {Turn[]} */
  turns = [];
  #settings;
  #sites;
  #sober;
  #onChange;
  /** @type {AbortController | null} */
  #running = null;

  /**
   * @param {import("./settings.js").Settings} settings
   * @param {() => string[]} sites those that the model has
   * @param {() => object} sober the field "drugs" of a sober request
   * @param {() => void} onChange
   */
  constructor(settings, sites, sober, onChange) {
    this.#settings = settings;
    this.#sites = sites;
    this.#sober = sober;
    this.#onChange = onChange;
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** Show messages that have no answers yet. */
  restore(messages) {
    this.stop();
    this.turns = messages.map((message) => new Turn(message));
    this.#onChange();
  }

  clear() {
    this.restore([]);
    this.#settings.change({ messages: [] });
  }

  send(message) {
    this.turns.push(new Turn(message));
    this.#settings.change({ messages: this.turns.map(({ user }) => user) });
    return this.#answer(this.turns.slice(-1));
  }

  /** Answer what has no answer yet, in order. */
  answerAll() {
    return this.#answer(this.turns.filter(({ answers }) => answers.length === 0));
  }

  /** Answer the last message once more, as the settings are now. */
  again() {
    const turn = new Turn(this.turns.pop().user);
    this.turns.push(turn);
    return this.#answer([turn]);
  }

  keep(turn, index) {
    turn.kept = index;
    this.#onChange();
  }

  stop() {
    this.#running?.abort();
  }

  async #answer(turns) {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    for (const turn of turns) {
      await this.#answerOne(turn, running.signal);
      if (running.signal.aborted || turn.error) {
        break;
      }
    }
    if (this.#running === running) {
      this.#running = null;
    }
    this.#onChange();
  }

  async #answerOne(turn, signal) {
    const settings = this.#settings.values;
    const messages = this.#messagesUntil(turn, settings.system);
    const sober = this.#sober();
    const requests = requestsFor(settings, this.#sites(), sober, messages);
    Object.assign(turn, { view: settings.view, sober, messages, answers: requests.flatMap(({ answers }) => answers) });
    turn.kept = settings.view === "side" ? 1 : 0;
    this.#onChange();
    const ends = await Promise.allSettled(requests.map((request) => follow(request, signal, this.#onChange)));
    const errors = ends.map(({ reason }) => reason).filter((error) => error && error.name !== "AbortError");
    turn.error = errors[0]?.message ?? (turn.answers.some(({ status }) => status === "failed") ? "The answer broke off." : "");
  }

  #messagesUntil(turn, system) {
    const messages = system ? [{ role: "system", content: system }] : [];
    for (const { user, answers, kept } of this.turns.slice(0, this.turns.indexOf(turn))) {
      messages.push({ role: "user", content: user }, { role: "assistant", content: answers[kept]?.text ?? "" });
    }
    return [...messages, { role: "user", content: turn.user }];
  }
}
