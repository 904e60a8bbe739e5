// Alternating back-propagation on points of the plane, as in the paper: some Langevin steps on the
// codes, then one step on the weights. Numbers only; nothing here knows the page.

const HIDDEN = 24; // of either hidden layer
const STEPS = 6; // of inference for each of learning
const STEP_SIZE = 0.4; // of the Langevin step, in sigmas: as the posterior is narrower, so are its steps
const LEARNING_RATE = 0.01;
const MOST = 120; // points
const TRAIL = 60; // steps that are kept of every code

/** The data x and the codes z of `count` points, in arrays with room for more; f: what the codes
 * make. trail: where the codes stood, the newest step at place `moved` - 1, around at the end.
 * at: how many steps of inference this iteration has had.
 * @typedef {{ network: Network, x: Float64Array, z: Float64Array, f: Float64Array, count: number,
 *   sigma: number, noisy: boolean, normal: () => number, at: number, iteration: number,
 *   moved: number, trail: Float64Array[], trace: Trace, adam: Adam }} Toy */
/** @typedef {{ mean: Float64Array, square: Float64Array, steps: number }} Adam */

// Draws from N(0, 1): the same for the same seed.
/** @type {(seed: number) => () => number} */
function normalDraws(seed) {
  let state = (Math.imul(seed, 2654435761) ^ 0x5bd1e995) | 1;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  for (let k = 0; k < 16; k++) uniform(); // seeds that lie close have then parted
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

// A network that knows nothing yet, and a code from the prior for every point.
/** @type {(points: number[][], latent: number, sigma: number, seed: number) => Toy} */
function makeToy(points, latent, sigma, seed) {
  const normal = normalDraws(seed);
  const network = makeNetwork(latent, HIDDEN, normal);
  const size = network.weights.length;
  /** @type {Toy} */
  const toy = {
    network,
    x: new Float64Array(2 * MOST),
    z: new Float64Array(latent * MOST),
    f: new Float64Array(2 * MOST),
    count: 0,
    sigma,
    noisy: true,
    normal,
    at: 0,
    iteration: 0,
    moved: 0,
    trail: Array.from({ length: TRAIL }, () => new Float64Array(latent * MOST)),
    trace: makeTrace(latent, HIDDEN),
    adam: { mean: new Float64Array(size), square: new Float64Array(size), steps: 0 },
  };
  for (const [x, y] of points) addPoint(toy, x, y);
  return toy;
}

// Whether there was room for it.
/** @type {(toy: Toy, x: number, y: number) => boolean} */
function addPoint(toy, x, y) {
  if (toy.count === MOST) return false;
  const { latent } = toy.network;
  toy.x.set([x, y], 2 * toy.count);
  for (let k = 0; k < latent; k++) {
    const at = latent * toy.count + k;
    toy.z[at] = toy.normal();
    for (const past of toy.trail) past[at] = toy.z[at];
  }
  toy.count += 1;
  return true;
}

// f(z) of point i, and in the trace the pull of its miss: share (f(z) - x) / sigma^2.
/** @type {(toy: Toy, i: number, share?: number) => void} */
function missOf(toy, i, share = 1) {
  const { network, x, z, f, trace, sigma } = toy;
  forward(network, z, network.latent * i, trace);
  for (let k = 0; k < 2; k++) {
    f[2 * i + k] = trace.x[k];
    trace.pull[k] = (share / (sigma * sigma)) * (trace.x[k] - x[2 * i + k]);
  }
}

// Inferential back-propagation, one step of every code: z <- z - (s^2 / 2) dU/dz + s noise, where
// U(z) = |x - f(z)|^2 / (2 sigma^2) + |z|^2 / 2. draw: what noise is drawn from.
/** @type {(toy: Toy, draw?: () => number) => void} */
function inferOnce(toy, draw = toy.normal) {
  const { network, z, trace, noisy, trail, count } = toy;
  const { latent } = network;
  const s = STEP_SIZE * toy.sigma;
  for (let i = 0; i < count; i++) {
    missOf(toy, i);
    const slope = backward(network, z, latent * i, trace);
    for (let k = 0; k < latent; k++) {
      const at = latent * i + k;
      z[at] += -0.5 * s * s * (slope[k] + z[at]) + (noisy ? s * draw() : 0);
    }
  }
  trail[toy.moved % TRAIL].set(z);
  toy.moved += 1;
}

// The gradient on W of the mean of |x - f(z)|^2 / (2 sigma^2).
/** @type {(toy: Toy) => Float64Array} */
function slopesOf(toy) {
  const { network, z, trace, count } = toy;
  const slopes = new Float64Array(network.weights.length);
  for (let i = 0; i < count; i++) {
    missOf(toy, i, 1 / count);
    backward(network, z, network.latent * i, trace, slopes);
  }
  return slopes;
}

// Learning back-propagation: one step of Adam on the weights, the codes held still.
/** @type {(toy: Toy) => void} */
function learnOnce(toy) {
  const { adam, network } = toy;
  const slopes = slopesOf(toy);
  adam.steps += 1;
  const first = 1 - 0.9 ** adam.steps;
  const second = 1 - 0.999 ** adam.steps;
  for (let k = 0; k < slopes.length; k++) {
    adam.mean[k] += 0.1 * (slopes[k] - adam.mean[k]);
    adam.square[k] += 0.001 * (slopes[k] ** 2 - adam.square[k]);
    const size = Math.sqrt(adam.square[k] / second) + 1e-8;
    network.weights[k] -= (LEARNING_RATE * adam.mean[k]) / first / size;
  }
}

// The next move of the alternation; whether it was one of learning, which ends the iteration.
/** @type {(toy: Toy) => boolean} */
function advance(toy) {
  const learning = toy.at === STEPS;
  if (learning) learnOnce(toy);
  else inferOnce(toy);
  toy.at = learning ? 0 : toy.at + 1;
  if (learning) toy.iteration += 1;
  return learning;
}

// Both parts of the energy, mean over the points: the misfit, and how far out the codes are, |z|^2.
/** @type {(toy: Toy) => { misfit: number, size: number }} */
function measure(toy) {
  const { network, x, z, f, count, sigma } = toy;
  let [misfit, size] = [0, 0];
  for (let i = 0; i < count; i++) {
    missOf(toy, i);
    misfit += (f[2 * i] - x[2 * i]) ** 2 + (f[2 * i + 1] - x[2 * i + 1]) ** 2;
  }
  for (let k = 0; k < network.latent * count; k++) size += z[k] ** 2;
  return { misfit: misfit / (2 * sigma * sigma * (count || 1)), size: size / (count || 1) };
}
