import { postJson, ServerError, stream } from "./api.js";
import { Answer } from "./answer.js";
import { drugsOf, isSober } from "./doses.js";
import { isChat, requested } from "./prompts.js";
import { MAX_SEED } from "./settings.js";

export const TOP = 10;

const N_SURE = 10; // dosed answers

/** @typedef {{path: string, body: object, answers: Answer[]}} Request a body, and the answers that it fills */

/**
 * The requests for one message.
 * @param {import("./prompts.js").Prompt} prompt
 * @returns {Request[]}
 */
export function requestsFor(settings, sites, sober, prompt) {
  const drugs = dosesFor(settings, sites, sober);
  if (settings.view === "variations") {
    const answers = Array.from({ length: settings.n }, (_, i) => new Answer(withLaterSeed(drugs, i), samplerOf(settings)));
    return [request(settings, prompt, drugs, answers, { n: settings.n })];
  }
  const kinds = settings.view === "side" ? [sober, drugs] : [drugs];
  return kinds.map((kind) => request(settings, prompt, kind, [new Answer(kind, samplerOf(settings))]));
}

/** The request for one more answer, as another one was made, with another seed. */
export function requestForAnother(settings, prompt, drugs, seed) {
  const other = isSober(drugs) ? drugs : { ...drugs, seed };
  const seeded = { ...settings, seed };
  return request(seeded, prompt, other, [new Answer(other, samplerOf(seeded))]);
}

/** The field "drugs" of what is dosed now. */
function dosesFor(settings, sites, sober) {
  const doses = drugsOf(settings, sites);
  return isSober(doses) ? sober : doses;
}

function request(settings, prompt, drugs, answers, more = {}) {
  const { path, fields } = requested(prompt);
  const likely = isChat(prompt)
    ? { logprobs: true, top_logprobs: TOP, reasoning_format: "none" } // so that every token comes with its probabilities
    : { logprobs: TOP };
  const body = { ...fields, max_tokens: settings.length, ...likely, drugs, ...sampling(settings, drugs), ...more };
  return { path, body, answers };
}

// a dosed request without the options of a sampler is greedy by itself
const sampling = (settings, drugs) => samplerOf(settings) ?? (isSober(drugs) ? { temperature: 0 } : {});

const samplerOf = ({ temperature, topP, minP, topK, seed }) =>
  temperature === 0 ? null : { temperature, top_p: topP, min_p: minP, top_k: topK, seed };

const withLaterSeed = (drugs, i) => (isSober(drugs) ? drugs : { ...drugs, seed: (drugs.seed + i) % (MAX_SEED + 1) });

/**
 * How sure the sober answer to some messages is, by answers under the doses that are set, or under usual ones.
 * @returns {Promise<import("./sureness.js").Uncertainty>}
 */
export async function howSure(settings, sites, { prompt, sober }) {
  const { dose_inputs: _, ...doses } = drugsOf(settings, sites); // the first token may differ
  const { path, fields } = requested(prompt);
  const body = { ...fields, max_tokens: settings.length, drugs: sober, temperature: 0, ...(isChat(prompt) ? { reasoning_format: "none" } : {}),
    uncertainty: { n: N_SURE, ...(isSober(doses) ? {} : { drugs: doses }) } };
  const { uncertainty } = (await postJson(path, body)).choices?.[0] ?? {};
  if (!uncertainty) {
    throw new ServerError("The server does not say how sure an answer is.");
  }
  return uncertainty;
}

/** Fill the answers of a request while they are written. */
export async function follow({ path, body, answers }, signal, onProgress) {
  try {
    for await (const { choices = [] } of stream(path, body, signal)) {
      choices.forEach((choice) => answers[choice.index].add(choice));
      onProgress();
    }
    answers.forEach((answer) => answer.end("failed"));
  } catch (error) {
    answers.forEach((answer) => answer.end(error.name === "AbortError" ? "stopped" : "failed"));
    throw error;
  }
}
