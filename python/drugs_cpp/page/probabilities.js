import { ServerError, postJson } from "./api.js";
import { likelyOf } from "./answer.js";
import { ratioOf } from "./course.js";
import { isChat } from "./prompts.js";
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
    dosed ?? requestTop(turn, before, drugsAt(dosedAnswer.drugs, index), signal),
  ]);
  return { sober: soberTop, dosed: dosedTop, how: explain(dosedAnswer, Boolean(dosed), index) };
}

/**
 * The doses with which the dosed model reads the prompt and what was written of another answer. A request cannot say that the
 * second part of its prompt is dosed alone, so all of it is, and with the share that the course has for the position before the
 * place, for the server counts a course from the end of a prompt. Where nothing was written, the prompt is read as the answer's was.
 */
function drugsAt(drugs, index) {
  if (index === 0) {
    return drugs;
  }
  const { course, ...others } = drugs;
  const share = course ? { multiplier: (drugs.multiplier ?? 1) * ratioOf(course, index - 1) } : {};
  return { ...others, ...share, dose_inputs: true };
}

// an answer that began with the same tokens got its probabilities when it was written
function topWhereWritten(answer, before) {
  const isSame = answer?.tokens.length > before.length
    && before.every(({ id, text }, i) => id === answer.tokens[i].id && text === answer.tokens[i].text);
  return isSame ? answer.tokens[before.length].top : null;
}

async function requestTop(turn, before, drugs, signal) {
  const prompt = await textOf(turn.prompt, signal);
  const answer = await postJson("/completion", {
    prompt: promptOf(prompt, before),
    n_predict: 1,
    n_probs: TOP,
    temperature: 0,
    cache_prompt: drugs.dose_inputs !== true, // the cache holds the prompt as it was read sober, except its last position at most
    drugs,
  }, signal);
  if (!answer.completion_probabilities?.length) {
    throw new ServerError("The server sends no probabilities here, inside a character that takes several tokens.");
  }
  return likelyOf(answer.completion_probabilities[0].top_logprobs);
}

/** The text that the model reads. @param {import("./prompts.js").Prompt} prompt */
async function textOf(prompt, signal) {
  return isChat(prompt) ? (await postJson("/apply-template", { messages: prompt.messages }, signal)).prompt : prompt.text;
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

const FIRST = {
  false: () => "The prompt is sober, so both models start the same: a dose shows from the second token on.",
  last: (seed) => `The prompt is sober except for its last position, whose output is this token: the dosed model computes that position under its dose (${seed}).`,
  true: (seed) => `The dosed model reads the prompt under its dose (${seed}), so even its first token may differ.`,
};

const READ = { false: "the answer so far", last: "the prompt’s last position and the answer so far", true: "the prompt and the answer so far" };

function explain({ drugs, isSober }, isAsWritten, index) {
  if (isSober) {
    return "No site is dosed here, so both are sober.";
  }
  const seed = `seed ${drugs.seed}`;
  const inputs = String(drugs.dose_inputs ?? false);
  if (index === 0) {
    return FIRST[inputs](seed);
  }
  if (!isAsWritten) {
    return `Both models read the same text up to here; the dosed one reads all of it, including the prompt, under its dose (${seed}).`;
  }
  return `Both models have read the same text up to here; the dosed one read ${READ[inputs]} under its dose (${seed}).`;
}
