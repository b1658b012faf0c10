"use strict";

/** Everything that is known about how a text was written, as names and readable values. */
explorer.configuration = (() => {
  const { measures } = explorer;

  function configuration({ model, prompt, setting, seed, columns, row }) {
    const own = (name, digits) => measures.shown(columns[name][row], digits);
    return [...ofModel(model), ["Prompt", prompt.name], ...ofSetting(setting), ["Seed", String(seed)],
      ["Tokens", [own("n_tokens", 0), setting.max_tokens ? `at most ${setting.max_tokens}` : ""].filter(Boolean).join(", ")],
      ["Coherence", own("log_likelihood", 3)],
      ["Compressibility", own("compressibility", 3)],
      ["Repetition", own("repeated", 3)],
      ["Time", columns.seconds[row] === null ? "–" : `${own("seconds", 2)} s`],
      ["Processor", explorer.data.index.cpu || "–"],
    ];
  }

  function ofModel({ name, quantization, architecture, sha256 }) {
    return [["Model", name], ["Quantization", quantization || "–"], ["Architecture", architecture || "–"], ["SHA-256", sha256 || "–"]];
  }

  function ofSetting(setting) {
    const sampler = Object.entries(setting.sampler).map(([name, value]) => `${name} ${value}`).join(", ") || "greedy";
    if (!explorer.settings.isDosed(setting.site)) {
      return [["Dose", "none"], ["Sampler", sampler]];
    }
    const shape = setting.shape ? ` (${setting.mode}: ${setting.shape.map((point) => point.join(":")).join(" ")})` : "";
    return [
      ["Dose", `${setting.site} ${setting.dose} rad`], ["Profile", setting.profile + shape], ["Noise", setting.noise], ["Sampler", sampler],
      ["Prompt dosed", { false: "no", last: "its last position", true: "yes" }[setting.dose_inputs]], ["Sink", String(setting.sink)],
    ];
  }

  return configuration;
})();
