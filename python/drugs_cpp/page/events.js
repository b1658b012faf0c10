/**
 * The JSON of each server-sent event, until the server says that it is done.
 * @param {ReadableStream<Uint8Array>} body
 */
export async function* readEvents(body) {
  for await (const line of lines(body)) {
    const [, name, data] = /^(data|error): ?(.*)$/.exec(line) ?? [];
    if (data === "[DONE]") {
      return;
    }
    if (name) {
      yield name === "error" ? { error: JSON.parse(data) } : JSON.parse(data);
    }
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) {
        return;
      }
      const whole = (rest + value).split("\n");
      rest = whole.pop();
      yield* whole;
    }
  } finally {
    reader.cancel().catch(() => {}); // closes the connection if the answer is not read to its end
  }
}
