// The point that is shown, and others that are reached from it.
// A point is all there is to a picture. Of a vector latent: {z}. Of a latent map: {seed, x, y,
// example, moves, edits}; a vector that is still to be drawn is such a point too, without edits. Of
// a film: {t, moves}, a moment in frames and what is added to it, and where it has maps edits.

/** What describes a model, see view.py.
 * @typedef {{ key: string, name: string, label: string, kind: string, shared: boolean,
 *   view: number[], numbers: number, mean: number[], axes: number[][], inverse: number[][],
 *   sliders: number, changes: string[], examples: number, farthest: number,
 *   ends: number, row: number, learnt: number, codes: number[][], normal: boolean,
 *   thumbnails: number, names?: string[], moments: number[], frames: number, rate: number,
 *   aspect: number }} Model */
/** @typedef {{ what: string, cells: string, number?: number, amount?: number, t?: number }} Edit */
/** @typedef {{ z?: number[], seed?: number, x?: number, y?: number, example?: number,
 *   moves?: (number | null)[], edits?: Edit[], t?: number }} Point */

const RANGE = 3; // deviations to each side of a slider, and of the middle of a plane of two latents

/** @type {Point} */
let point = null;
/** @type {boolean[]} */
let locks = []; // of directions that stay when the others are drawn anew

/** @type {(x: number) => number} */
const exact = (x) => Math.round(x * 1e4) / 1e4;
const anySeed = () => Math.floor(Math.random() * 1e6);
const spatial = () => model.view.length > 0;
const moving = () => model.frames > 0; // a film
const flat = () => !spatial() && !moving() && model.numbers === 2;
const added = () => spatial() || moving(); // whether sliders add to what is there
/** @type {(moves: (number | null)[]) => number[]} */
const padded = (moves) => Array.from({ length: model.numbers }, (_, k) => moves[k] ?? 0);

// Along direction k, in deviations.
/** @type {(k: number) => number} */
function coordinate(k) {
  if (added()) return point.moves[k] ?? 0;
  if (!point.z) return 0;
  return point.z.reduce((sum, z, i) => sum + (z - model.mean[i]) * model.inverse[k][i], 0);
}

/** @type {(k: number, t: number) => Point} */
function along(k, t) {
  if (added()) {
    const moves = padded(point.moves);
    moves[k] = exact(t);
    return { ...point, moves };
  }
  const step = t - coordinate(k);
  return { ...point, z: point.z.map((z, i) => exact(z + step * model.axes[k][i])) };
}

// Raw entries: of the vector, or of what is added to every position of a map.
/** @type {(i: number) => number} */
function raw(i) {
  if (!added()) return point.z ? point.z[i] : 0;
  return padded(point.moves).reduce((sum, t, k) => sum + t * model.axes[k][i], 0);
}

/** @type {(i: number, value: number) => Point} */
function withRaw(i, value) {
  if (!added()) return { ...point, z: point.z.map((z, j) => (j === i ? exact(value) : z)) };
  const change = value - raw(i);
  return {
    ...point,
    moves: padded(point.moves).map((t, k) => exact(t + change * model.inverse[k][i])),
  };
}

/** Another point, which keeps the directions that are locked.
 * @param {Point} fields
 * @returns {Point} */
/** @type {(fields: Point) => Point} */
function fresh(fields) {
  const place = moving() ? { t: 0 } : { seed: 0, x: 0, y: 0, example: -1 };
  if (added()) {
    const moves = locks.map((on, k) => (on ? coordinate(k) : 0));
    return { ...place, moves, ...(spatial() ? { edits: [] } : {}), ...fields };
  }
  return { ...place, moves: locks.map((on, k) => (on ? exact(coordinate(k)) : null)), ...fields };
}

/** Where a model is shown first: a plane at its first example.
 * @returns {Point} */
const home = () => (flat() ? { z: model.codes[0], moves: [] } : { ...fresh({}), moves: [] });
