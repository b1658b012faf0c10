/**
 * @typedef {{messages: {role: string, content: string}[]}} Chat
 * @typedef {{text: string}} Text
 * @typedef {Chat | Text} Prompt what an answer follows: a chat, or a text that is continued as it is
 */

/**
 * What the answers to a turn follow.
 * @param {import("./turn.js").Turn[]} before
 * @param {import("./turn.js").Turn} turn
 * @param {string} system the system prompt of a chat
 * @param {boolean} isText whether a text is continued
 * @returns {Prompt}
 */
export function promptFor(before, turn, system, isText) {
  return isText ? { text: textOf(before) + turn.user } : { messages: messagesOf(before, turn, system) };
}

const textOf = (turns) => turns.map((turn) => turn.user + turn.text).join("");

// many chat templates refuse two messages of the same role in a row, so a message without an answer joins the next one
function messagesOf(before, turn, system) {
  const messages = system ? [{ role: "system", content: system }] : [];
  let pending = [];
  for (const { user, text } of before) {
    pending.push(user);
    if (text) {
      messages.push({ role: "user", content: pending.join("\n\n") }, { role: "assistant", content: text });
      pending = [];
    }
  }
  return [...messages, { role: "user", content: [...pending, turn.user].join("\n\n") }];
}

/** Where a request goes, and the fields that say what it follows. */
export const requested = (prompt) =>
  isChat(prompt)
    ? { path: "/v1/chat/completions", fields: { messages: prompt.messages } }
    : { path: "/v1/completions", fields: { prompt: prompt.text } };

/** @param {Prompt} prompt */
export const isChat = (prompt) => "messages" in prompt;
