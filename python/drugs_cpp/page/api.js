import { askForKey, currentKey } from "./key.js";
import { readEvents } from "./events.js";

/** An error with a message for the user. */
export class ServerError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

let model = ""; // the model that requests name; empty if the server has only one

/** Send all following requests to this model. */
export function useModel(name) {
  model = name;
}

const LOST = "The server does not answer. Is it still running?";

/** @returns {Promise<any>} */
export async function getJson(path, signal) {
  const query = model ? `${path.includes("?") ? "&" : "?"}model=${encodeURIComponent(model)}` : "";
  return (await request(path + query, { signal })).json();
}

/** @returns {Promise<any>} */
export async function postJson(path, body, signal) {
  return (await request(path, posted(body, signal))).json();
}

/** The events of a streamed answer. */
export async function* stream(path, body, signal) {
  const response = await request(path, posted({ ...body, stream: true }, signal));
  for await (const event of connected(readEvents(response.body))) {
    if (event.error) {
      throw new ServerError(event.error.message ?? String(event.error), event.error.code);
    }
    yield event;
  }
}

const posted = (body, signal) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(model ? { ...body, model } : body),
  signal,
});

async function request(path, options) {
  for (;;) {
    const key = currentKey();
    const response = await reached(fetch(path, key ? { ...options, headers: withKey(options.headers, key) } : options));
    if (response.ok) {
      return response;
    }
    if (response.status !== 401 || !(await askForKey(key))) {
      throw new ServerError(await messageOf(response), response.status);
    }
  }
}

const withKey = (headers, key) => ({ ...headers, Authorization: `Bearer ${key}` });

async function reached(response) {
  try {
    return await response;
  } catch (error) {
    throw error.name === "AbortError" ? error : new ServerError(LOST);
  }
}

async function* connected(events) {
  try {
    yield* events;
  } catch (error) {
    throw error.name === "AbortError" ? error : new ServerError(`The connection broke off. ${LOST}`);
  }
}

async function messageOf(response) {
  if (response.status === 401) {
    return "The server needs an API key.";
  }
  const text = await response.text();
  try {
    return JSON.parse(text).error.message;
  } catch {
    return `The server answered ${response.status} ${response.statusText}`.trim();
  }
}
