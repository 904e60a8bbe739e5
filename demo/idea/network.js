// f(z; W), a small network from a code of one or two numbers to a point of the plane: two hidden
// layers of tanh, and its back-propagation by hand. Numbers only; nothing here knows the page.

/** latent: how many numbers a code has. weights: of the three layers in turn, each its matrix row by
 * row and then its biases.
 * @typedef {{ latent: number, hidden: number, weights: Float64Array }} Network */
/** What one evaluation leaves for the way back.
 * Its last four are where the way back is worked out: pull on x, then on both layers, then on z.
 * @typedef {{ first: Float64Array, second: Float64Array, x: Float64Array, pull: Float64Array,
 *   onSecond: Float64Array, onFirst: Float64Array, onCode: Float64Array }} Trace */

/** @type {(latent: number, hidden: number) => number} */
const weightsOf = (latent, hidden) =>
  hidden * (latent + 1) + hidden * (hidden + 1) + 2 * (hidden + 1);

/** @type {(latent: number, hidden: number) => Trace} */
const makeTrace = (latent, hidden) => ({
  first: new Float64Array(hidden),
  second: new Float64Array(hidden),
  x: new Float64Array(2),
  pull: new Float64Array(2),
  onSecond: new Float64Array(hidden),
  onFirst: new Float64Array(hidden),
  onCode: new Float64Array(latent),
});

// Weights as wide as keeps what passes through of one size; those of the first layer less, since a
// line that begins smooth lies less often in knots later. normal: draws from N(0, 1).
/** @type {(latent: number, hidden: number, normal: () => number) => Network} */
function makeNetwork(latent, hidden, normal) {
  const weights = new Float64Array(weightsOf(latent, hidden));
  let at = 0;
  for (const [rows, inputs, wide, bias] of [
    [hidden, latent, 0.6, 0.6],
    [hidden, hidden, 1, 0],
    [2, hidden, 1, 0],
  ]) {
    for (let k = 0; k < rows * inputs; k++) weights[at++] = (wide * normal()) / Math.sqrt(inputs);
    for (let k = 0; k < rows; k++) weights[at++] = bias * normal();
  }
  return { latent, hidden, weights };
}

// One layer: `out` of `into`, its inputs from place `from` on; `at`: where its weights begin. Returns
// where those of the next layer begin.
/** @type {(weights: Float64Array, at: number, into: Float64Array, from: number, inputs: number,
 *   out: Float64Array, bent: boolean) => number} */
function layer(weights, at, into, from, inputs, out, bent) {
  const biases = at + out.length * inputs;
  for (let k = 0; k < out.length; k++) {
    let sum = weights[biases + k];
    for (let j = 0; j < inputs; j++) sum += weights[at + k * inputs + j] * into[from + j];
    out[k] = bent ? Math.tanh(sum) : sum;
  }
  return biases + out.length;
}

// f of the code that stands in `z` from place `from` on, into the trace.
/** @type {(network: Network, z: Float64Array, from: number, trace: Trace) => void} */
function forward({ latent, hidden, weights }, z, from, { first, second, x }) {
  const next = layer(weights, 0, z, from, latent, first, true);
  const last = layer(weights, next, first, 0, hidden, second, true);
  layer(weights, last, second, 0, hidden, x, false);
}

// The way back through one layer: what `pull` on its sums means for its inputs, which are written to
// `before`, and for its weights, which is added to `slopes` where there are any.
/** @type {(weights: Float64Array, at: number, into: Float64Array, from: number, inputs: number,
 *   pull: Float64Array, before: Float64Array, slopes: Float64Array | null) => void} */
function layerBack(weights, at, into, from, inputs, pull, before, slopes) {
  const biases = at + pull.length * inputs;
  before.fill(0);
  for (let k = 0; k < pull.length; k++) {
    const row = at + k * inputs;
    for (let j = 0; j < inputs; j++) before[j] += weights[row + j] * pull[k];
    if (!slopes) continue;
    for (let j = 0; j < inputs; j++) slopes[row + j] += pull[k] * into[from + j];
    slopes[biases + k] += pull[k];
  }
}

/** @type {(pull: Float64Array, bent: Float64Array) => void} */
function unbend(pull, bent) {
  for (let k = 0; k < pull.length; k++) pull[k] *= 1 - bent[k] * bent[k];
}

// What the pull in the trace, on the point that `forward` made of this code, means for the code,
// which is returned, and for the weights, which is added to `slopes`, if given.
/** @type {(network: Network, z: Float64Array, from: number, trace: Trace,
 *   slopes?: Float64Array) => Float64Array} */
function backward({ latent, hidden, weights }, z, from, trace, slopes = null) {
  const { pull, onSecond, onFirst, onCode } = trace;
  const second = hidden * (latent + 1);
  const third = second + hidden * (hidden + 1);
  layerBack(weights, third, trace.second, 0, hidden, pull, onSecond, slopes);
  unbend(onSecond, trace.second);
  layerBack(weights, second, trace.first, 0, hidden, onSecond, onFirst, slopes);
  unbend(onFirst, trace.first);
  layerBack(weights, 0, z, from, latent, onFirst, onCode, slopes);
  return onCode;
}
