/** A seed that is short enough to say aloud. */
export const freshSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 10000;
