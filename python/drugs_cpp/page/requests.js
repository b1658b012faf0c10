import { postJson, stream } from "./api.js";
import { Answer } from "./answer.js";
import { drugsOf, isSober } from "./doses.js";
import { MAX_SEED } from "./settings.js";

export const TOP = 10;

const N_SURE = 10; // dosed answers

/**
 * The requests for one message: their bodies, and the answers that each of them fills.
 * @returns {{body: object, answers: Answer[]}[]}
 */
export function requestsFor(settings, sites, sober, messages) {
  const doses = drugsOf(settings, sites);
  const drugs = isSober(doses) ? sober : doses;
  const common = {
    messages,
    max_tokens: settings.length,
    logprobs: true,
    top_logprobs: TOP,
    reasoning_format: "none", // so that every token comes with its probabilities
  };
  if (settings.view === "variations") {
    const answers = Array.from({ length: settings.n }, (_, i) => new Answer(withLaterSeed(drugs, i)));
    return [{ body: { ...common, ...dosed(drugs), n: settings.n }, answers }];
  }
  const kinds = settings.view === "side" ? [sober, drugs] : [drugs];
  return kinds.map((kind) => ({ body: { ...common, ...dosed(kind) }, answers: [new Answer(kind)] }));
}

// a dosed request is greedy by itself
const dosed = (drugs) => (isSober(drugs) ? { drugs, temperature: 0 } : { drugs });

const withLaterSeed = (drugs, i) => (isSober(drugs) ? drugs : { ...drugs, seed: (drugs.seed + i) % (MAX_SEED + 1) });

/**
 * How sure the sober answer to some messages is, by answers under the doses that are set, or under usual ones.
 * @returns {Promise<import("./sureness.js").Uncertainty>}
 */
export async function howSure(settings, sites, { messages, sober }) {
  const { dose_inputs: _, ...doses } = drugsOf(settings, sites); // the first token may differ
  const body = { messages, max_tokens: settings.length, drugs: sober, temperature: 0, reasoning_format: "none",
    uncertainty: { n: N_SURE, ...(isSober(doses) ? {} : { drugs: doses }) } };
  const { choices } = await postJson("/v1/chat/completions", body);
  return choices[0].uncertainty;
}

/** Fill the answers of a request while they are written. */
export async function follow({ body, answers }, signal, onProgress) {
  try {
    for await (const { choices } of stream("/v1/chat/completions", body, signal)) {
      choices.forEach((choice) => answers[choice.index].add(choice));
      onProgress();
    }
    answers.forEach((answer) => answer.end("failed"));
  } catch (error) {
    answers.forEach((answer) => answer.end(error.name === "AbortError" ? "stopped" : "failed"));
    throw error;
  }
}
