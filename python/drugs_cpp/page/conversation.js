import { promptFor } from "./prompts.js";
import { follow, requestForAnother, requestsFor } from "./requests.js";
import { Answer } from "./answer.js";
import { Turn } from "./turn.js";

/**
 * @typedef {object} Model what the conversation needs from the model that answers
 * @property {() => string[]} sites those that the model has
 * @property {() => object} sober the field "drugs" of a sober request
 * @property {() => boolean} isText whether a text is continued, and there are no messages of a chat
 */

/** The turns, and the one that is being answered. A change replaces the turns that it concerns, so the old ones can come back. */
export class Conversation {
  /** @type {Turn[]} */
  turns = [];
  #settings;
  #model;
  #onChange;
  /** @type {AbortController | null} */
  #running = null;

  /**
   * @param {import("./settings.js").Settings} settings
   * @param {Model} model
   * @param {() => void} onChange
   */
  constructor(settings, model, onChange) {
    this.#settings = settings;
    this.#model = model;
    this.#onChange = onChange;
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** Show other turns, which may have been these ones before a change. */
  show(turns) {
    this.stop();
    this.turns = turns;
    this.#onChange();
  }

  send(message) {
    const turn = new Turn(message);
    this.turns = [...this.turns, turn];
    return this.#answer([turn]);
  }

  /** Answer what has no answer yet, in order. */
  answerAll() {
    return this.#answer(this.turns.filter(({ answers }) => answers.length === 0));
  }

  /** Answer a message once more, as the settings are now; what came after it goes. */
  again(turn, message = turn.user) {
    const other = new Turn(message);
    this.turns = [...this.turns.slice(0, this.turns.indexOf(turn)), other];
    return this.#answer([other]);
  }

  /** Whether answering a message once more would send the same requests, and so give the same texts. */
  wouldRepeat(turn) {
    return turn.asked === bodiesOf(this.#requests(this.#promptOf(turn)));
  }

  /** Write one more answer to a message, as one of its answers was made, with another seed. */
  async another(turn, { drugs }, seed) {
    const made = requestForAnother(this.#settings.values, turn.prompt, drugs, seed);
    turn.answers.push(...made.answers);
    await this.#run((signal) => this.#follow(turn, [made], signal));
    if (made.answers[0].hasText && this.turns.at(-1) === turn) {
      this.keep(turn, turn.answers.indexOf(made.answers[0]));
    }
  }

  /** Take out a message with its answers. */
  remove(turn) {
    this.#put(turn, this.turns.filter((other) => other !== turn));
  }

  /** Take out one answer; what is left of the last one is a message without an answer. */
  removeAnswer(turn, answer) {
    this.#replace(turn, turn.with(turn.answers.filter((other) => other !== answer)));
  }

  /** Put a text of the user in the place of an answer, so that the conversation goes on from it. */
  editAnswer(turn, answer, text) {
    const edited = Answer.edited(answer.drugs, text);
    const other = turn.with(turn.answers.map((one) => (one === answer ? edited : one)));
    this.#replace(turn, Object.assign(other, { kept: other.answers.indexOf(edited) }));
  }

  keep(turn, index) {
    turn.kept = index;
    this.#onChange();
  }

  stop() {
    this.#running?.abort();
  }

  #replace(turn, other) {
    this.#put(turn, this.turns.map((one) => (one === turn ? other : one)));
  }

  /** Show other turns; what is being written goes on, if it is not the turn that changes. */
  #put(turn, turns) {
    if (turn.answers.some(({ isEnded }) => !isEnded)) {
      this.stop();
    }
    this.turns = turns;
    this.#onChange();
  }

  #answer(turns) {
    return this.#run(async (signal) => {
      for (const turn of turns) {
        await this.#answerOne(turn, signal);
        if (signal.aborted || turn.error) {
          break;
        }
      }
    });
  }

  async #run(work) {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    await work(running.signal);
    if (this.#running === running) {
      this.#running = null;
    }
    this.#onChange();
  }

  #answerOne(turn, signal) {
    const { view } = this.#settings.values;
    const prompt = this.#promptOf(turn);
    const requests = this.#requests(prompt);
    const answers = requests.flatMap((request) => request.answers);
    Object.assign(turn, { view, prompt, sober: this.#model.sober(), answers, asked: bodiesOf(requests), kept: view === "side" ? 1 : 0 });
    return this.#follow(turn, requests, signal);
  }

  async #follow(turn, requests, signal) {
    turn.error = "";
    this.#onChange();
    const ends = await Promise.allSettled(requests.map((request) => follow(request, signal, this.#onChange)));
    const errors = ends.map(({ reason }) => reason).filter((error) => error && error.name !== "AbortError");
    turn.error = errors[0]?.message ?? (turn.answers.some(({ status }) => status === "failed") ? "The answer broke off." : "");
  }

  #requests(prompt) {
    return requestsFor(this.#settings.values, this.#model.sites(), this.#model.sober(), prompt);
  }

  #promptOf(turn) {
    const before = this.turns.slice(0, this.turns.indexOf(turn));
    return promptFor(before, turn, this.#settings.values.system, this.#model.isText());
  }
}

const bodiesOf = (requests) => JSON.stringify(requests.map(({ body }) => body));
