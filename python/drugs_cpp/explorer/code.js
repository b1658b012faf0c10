"use strict";

/** Code that writes a text again, in Python, on the command line and as a request, and a link to the page of `drugs serve`. */
explorer.code = (() => {
  /** llama.cpp's options whose names differ from Python's */
  const OPTIONS = { temperature: "--temp", typical_p: "--typical", mirostat_tau: "--mirostat-ent", mirostat_eta: "--mirostat-lr", mirostat_mode: "--mirostat" };
  const USUAL_SINK = 6;

  /** a sweep's values for options that its sampler leaves out; elsewhere they have other defaults */
  const NEUTRAL = { top_k: 0, top_p: 1, min_p: 0 };

  /**
   * @typedef {{model: {name: string, quantization: string}, prompt: {messages: [string, string][], text: string}, setting: object, seed: number}} What
   * setting: one of those in the index
   */

  /** the option for the length; none if it is unknown, as for imported texts */
  const lengthOf = ({ max_tokens: most }) => (most ? { max_tokens: most } : {});

  const isDosed = ({ site }) => explorer.settings.isDosed(site);

  const fileOf = ({ name, quantization }) => `${name}${quantization && `.${quantization}`}.gguf`;

  /** all options of a sampler that matter; none without a sampler */
  const samplerOf = ({ sampler }) => (Object.keys(sampler).length ? { ...NEUTRAL, ...sampler } : {});

  const messagesOf = ({ messages }) => messages.map(([role, content]) => ({ role, content }));

  const pointsOf = ({ shape }) => shape.map(([depth, peakratio]) => ({ depth, peakratio }));

  /** @param {What} what */
  function python({ model, prompt, setting, seed }) {
    const chat = prompt.messages.length > 0;
    const given = chat ? `messages=${literal(messagesOf(prompt))}` : `prompt=${literal(prompt.text)}`;
    const sampler = Object.entries(samplerOf(setting)).map(([name, value]) => `${name}=${value}`);
    const call = [given, `max_tokens=${setting.max_tokens || "None"}`, ...sampler, `seed=${seed}`];
    return [
      "from drugs_cpp import DRUGS, Llama",
      "",
      `drugs = ${pythonDoses(setting)}`,
      `llm = Llama(${[literal(fileOf(model)), "drugs=drugs", ...pythonOptions(setting), "repeatable=True", "n_ctx=2048", "verbose=False"].join(", ")})`,
      `answer = llm.${chat ? "create_chat_completion" : "create_completion"}(`,
      ...call.map((part) => `    ${part},`),
      ")",
      `print(answer["choices"][0]${chat ? '["message"]["content"]' : '["text"]'})`,
      "",
    ].join("\n");
  }

  function pythonDoses(setting) {
    if (!isDosed(setting)) {
      return "DRUGS()";
    }
    const parts = [`${setting.site}=${setting.dose}`];
    if (setting.shape) {
      parts.push(`shape={${literal(setting.site)}: ${literal({ points: pointsOf(setting), mode: setting.mode })}}`);
    }
    if (setting.noise !== "isotropic") {
      parts.push(`noise=${literal(setting.noise)}`);
    }
    return `DRUGS(${parts.join(", ")})`;
  }

  function pythonOptions(setting) {
    const inputs = isDosed(setting) && setting.dose_inputs ? [`dose_inputs=${literal(setting.dose_inputs)}`] : [];
    return isDosed(setting) && setting.sink !== USUAL_SINK ? [...inputs, `sink=${setting.sink}`] : inputs;
  }

  /** A value as a Python literal: strings look as in JSON, True and False do not. */
  function literal(value) {
    if (value === true || value === false) {
      return value ? "True" : "False";
    }
    if (Array.isArray(value)) {
      return `[${value.map(literal).join(", ")}]`;
    }
    if (typeof value === "object") {
      return `{${Object.entries(value).map(([name, part]) => `${literal(name)}: ${literal(part)}`).join(", ")}}`;
    }
    return JSON.stringify(value);
  }

  /** @param {What} what */
  function commandLine({ model, prompt, setting, seed }) {
    const words = ["drugs", "completion", "-m", quoted(fileOf(model)), ...promptOptions(prompt), ...(setting.max_tokens ? ["-n", setting.max_tokens] : [])];
    const sampler = Object.entries(samplerOf(setting)).flatMap(([name, value]) => [OPTIONS[name] ?? `--${name.replaceAll("_", "-")}`, value]);
    words.push(...doseOptions(setting, seed), ...sampler);
    if (!isDosed(setting) && sampler.length === 0) {
      words.push("--temp", 0);
    }
    if (sampler.length) {
      words.push("--seed", seed);
    }
    words.push("--repeatable");
    const unsaid = unsaidMessages(prompt) ? "# this has only the last message and the system message: use curl for the whole conversation\n" : "";
    return `${unsaid}${words.join(" ")}\n`;
  }

  const said = (prompt, role) => prompt.messages.filter(([own]) => own === role).map(([, content]) => content);

  const unsaidMessages = (prompt) => prompt.messages.length > said(prompt, "system").slice(0, 1).length + 1;

  function promptOptions(prompt) {
    if (prompt.messages.length === 0) {
      return ["-no-cnv", "-p", quoted(prompt.text)];
    }
    const system = said(prompt, "system").slice(0, 1).flatMap((text) => ["-sys", quoted(text)]);
    return ["-cnv", "-st", ...system, "-p", quoted(said(prompt, "user").at(-1) ?? prompt.text)];
  }

  function doseOptions(setting, seed) {
    if (!isDosed(setting)) {
      return [];
    }
    const { site, dose, shape, mode, noise, sink, dose_inputs: inputs } = setting;
    return [
      "--dose", `${site}=${dose}`, "--dose-seed", seed,
      ...(shape ? ["--dose-shape", `${site}=${mode}:${shape.map((point) => point.join(":")).join(",")}`] : []),
      ...(noise === "isotropic" ? [] : ["--dose-noise", noise]),
      ...(sink === USUAL_SINK ? [] : ["--dose-sink", sink]),
      ...({ true: ["--dose-inputs"], last: ["--dose-inputs-last"] }[inputs] ?? []),
    ];
  }

  /** @param {What & {server: string}} what */
  function curl({ prompt, setting, seed, server }) {
    const chat = prompt.messages.length > 0;
    const greedy = !isDosed(setting) && Object.keys(setting.sampler).length === 0 ? { temperature: 0 } : {};
    const body = {
      ...(chat ? { messages: messagesOf(prompt) } : { prompt: prompt.text }),
      ...lengthOf(setting),
      ...greedy,
      ...samplerOf(setting),
      seed,
      drugs: requestedDoses(setting, seed),
    };
    return `curl -s ${quoted(`${server}/v1/${chat ? "chat/" : ""}completions`)} -d ${quoted(JSON.stringify(body, null, 1))}\n`;
  }

  function requestedDoses(setting, seed) {
    if (!isDosed(setting)) {
      return { repeatable: true };
    }
    const { site, dose, shape, mode, noise, sink, dose_inputs: inputs } = setting;
    const shaped = shape ? { shape: { [site]: { points: pointsOf(setting), mode } } } : {};
    return { [site]: dose, ...shaped, seed, noise, sink, dose_inputs: inputs, repeatable: true };
  }

  /** An argument of a shell command, quoted if necessary. */
  const quoted = (text) => (/^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

  /**
   * A URL of the page of `drugs serve`, with this text's doses, prompt and seed. It cannot contain a sampler.
   * @param {What & {server: string}} what
   */
  function page({ prompt, setting, seed, server }) {
    const parts = new URLSearchParams();
    if (isDosed(setting)) {
      writeDose(parts, setting);
    } else {
      parts.set("A", 0);
    }
    parts.set("seed", seed);
    if (setting.max_tokens) {
      parts.set("length", setting.max_tokens);
    }
    said(prompt, "system").slice(0, 1).forEach((text) => parts.set("system", text));
    const users = said(prompt, "user");
    parts.set("prompt", users.at(-1) ?? prompt.text);
    users.slice(0, -1).forEach((text) => parts.append("message", text));
    return `${server}/#${parts}`;
  }

  function writeDose(parts, { site, dose, shape, mode, noise, dose_inputs: inputs }) {
    parts.set(site, dose);
    if (shape) {
      parts.set(`${site}.shape`, [mode, ...shape.flat()].join("_"));
    }
    if (noise !== "isotropic") {
      parts.set("noise", noise);
    }
    if (inputs) {
      parts.set("dose_inputs", inputs);
    }
  }

  return { python, commandLine, curl, page };
})();
