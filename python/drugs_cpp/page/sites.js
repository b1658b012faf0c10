/**
 * Where a vector can be turned, in the order of the layers' own work.
 * @type {{name: string, title: string, explanation: string}[]}
 */
export const SITES = [
  { name: "H", title: "attention input", explanation: "Turns the input of the query, key and value projections." },
  { name: "Q", title: "queries", explanation: "Turns what each head looks for." },
  { name: "K", title: "keys as read", explanation: "Turns every cached key as a new token reads it. The cache stays clean." },
  { name: "V", title: "values as read", explanation: "Turns every cached value as a new token reads it. The cache stays clean." },
  { name: "A", title: "attention output", explanation: "Turns what each head has found. A good place to begin." },
  { name: "pK", title: "keys as kept", explanation: "Turns a token’s own keys, which stay so in the cache until a cold shower." },
  { name: "pV", title: "values as kept", explanation: "Turns a token’s own values, which stay so in the cache until a cold shower." },
  { name: "M", title: "MLP activations", explanation: "Turns what the MLP has computed, before its last projection." },
];
