import { ServerError, postJson } from "./api.js";
import { likelyOf } from "./answer.js";
import { TOP } from "./requests.js";

/**
 * @typedef {import("./answer.js").Likely} Likely
 * @typedef {{sober: Likely[], dosed: Likely[], how: string}} Comparison
 */

/**
 * The most likely tokens of the sober and the dosed model at a token of an answer.
 * @returns {Promise<Comparison>}
 */
export async function compareAt(turn, answer, index, signal) {
  const before = answer.tokens.slice(0, index);
  const dosedAnswer = answer.isSober ? turn.answers.find(({ isSober }) => !isSober) ?? answer : answer;
  const soberAnswer = answer.isSober ? answer : turn.answers.find(({ isSober }) => isSober);
  const sober = topWhereWritten(soberAnswer, before);
  const dosed = topWhereWritten(dosedAnswer, before);
  const [soberTop, dosedTop] = await Promise.all([
    sober ?? requestTop(turn, before, turn.sober, signal),
    dosed ?? requestTop(turn, before, { ...dosedAnswer.drugs, dose_inputs: true }, signal),
  ]);
  return { sober: soberTop, dosed: dosedTop, how: explain(dosedAnswer, Boolean(dosed), index) };
}

// an answer that began with the same tokens got its probabilities when it was written
function topWhereWritten(answer, before) {
  const isSame = answer?.tokens.length > before.length
    && before.every(({ id, text }, i) => id === answer.tokens[i].id && text === answer.tokens[i].text);
  return isSame ? answer.tokens[before.length].top : null;
}

async function requestTop(turn, before, drugs, signal) {
  const { prompt } = await postJson("/apply-template", { messages: turn.messages }, signal);
  const answer = await postJson("/completion", {
    prompt: promptOf(prompt, before),
    n_predict: 1,
    n_probs: TOP,
    temperature: 0,
    cache_prompt: !drugs.dose_inputs, // the cache holds the prompt as it was read sober
    drugs,
  }, signal);
  if (!answer.completion_probabilities?.length) {
    throw new ServerError("The server sends no probabilities here, inside a character that takes several tokens.");
  }
  return likelyOf(answer.completion_probabilities[0].top_logprobs);
}

// tokens, and text where the server sent no tokens; an array of several texts and no token would be several prompts
function promptOf(prompt, before) {
  const parts = [prompt];
  for (const { id, text } of before) {
    if (id === null && typeof parts.at(-1) === "string") {
      parts.push(parts.pop() + text);
    } else {
      parts.push(id ?? text);
    }
  }
  return parts;
}

function explain(dosedAnswer, isAsWritten, index) {
  if (dosedAnswer.isSober) {
    return "No site is dosed here, so both are sober.";
  }
  const seed = `seed ${dosedAnswer.drugs.seed}`;
  if (!isAsWritten) {
    return `Both models read everything up to here; the dosed one reads all of it, the prompt too, under its dose (${seed}).`;
  }
  if (index === 0 && !dosedAnswer.drugs.dose_inputs) {
    return "The prompt is read sober, so both begin alike: a dose shows from the second token on.";
  }
  return `Both models have read the same text up to here; the dosed one read the answer so far under its dose (${seed}).`;
}
