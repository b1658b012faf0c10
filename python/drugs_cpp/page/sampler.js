/** Options of a sampler that have an effect, in few words. */
export function samplerInWords(sampler) {
  const { temperature, top_p: topP, min_p: minP, top_k: topK, seed } = sampler ?? { temperature: 0 };
  const parts = [["temperature", temperature, temperature > 0], ["top-p", topP, topP < 1], ["min-p", minP, minP > 0], ["top-k", topK, topK > 0],
    ["sampler seed", seed, temperature > 0]];
  return parts.filter(([, , isUsed]) => isUsed).map(([name, value]) => `${name} ${value}`).join(" · ");
}
