// The plane: the points, what their codes make, and all that the network can make.

const EXTENT = 1.5; // of the plane to either side
const REACH = 3; // of the codes that are drawn, in deviations of the prior
const PLACES = { 1: 181, 2: 33 }; // along an axis of the codes, at which f is evaluated
const MESH = 4; // places from one line of the sheet to the next

/** f at evenly spaced codes: `side` of them along each axis, the first number of a code running
 * fastest.
 * @typedef {{ side: number, f: Float64Array }} Lattice */
/** How codes are coloured by their first number: from [r, g, b] to [r, g, b].
 * @typedef {{ from: number[], to: number[] }} Hues */

/** @type {(k: number, side: number) => number} */
const codeAt = (k, side) => REACH * ((2 * k) / (side - 1) - 1);

/** @type {(network: Network) => Lattice} */
function latticeOf(network) {
  const side = PLACES[/** @type {1 | 2} */ (network.latent)];
  const trace = makeTrace(network.latent, network.hidden);
  const f = new Float64Array(2 * side ** network.latent);
  const z = new Float64Array(network.latent);
  for (let k = 0; k < f.length / 2; k++) {
    z[0] = codeAt(k % side, side);
    if (network.latent === 2) z[1] = codeAt(Math.floor(k / side), side);
    forward(network, z, 0, trace);
    f.set(trace.x, 2 * k);
  }
  return { side, f };
}

/** @type {() => Hues} */
function huesOf() {
  const [from, to] = ["--abp-infer", "--abp-learn"].map((name) => {
    const hex = Number.parseInt(colour(name).slice(1), 16);
    return [hex >> 16, (hex >> 8) & 255, hex & 255];
  });
  return { from, to };
}
/** @type {(hues: Hues, z: number) => string} */
function hueOf({ from, to }, z) {
  const share = clamp(0.5 + z / 4, 0, 1);
  return `rgb(${from.map((low, k) => Math.round(low + share * (to[k] - low))).join(" ")})`;
}

// The plane as a canvas of this width shows it.
/** @type {(width: number, x: number) => number} */
const across = (width, x) => (width / 2) * (1 + x / EXTENT);
/** @type {(width: number, y: number) => number} */
const upward = (width, y) => (width / 2) * (1 - y / EXTENT);

/** @type {(toy: Toy, lattice: Lattice, hues: Hues, chosen: number, samples: Float64Array) => void} */
function drawPlane(toy, lattice, hues, chosen, samples) {
  const { pen, width } = sheetOf(part(".plane canvas"));
  if (!width) return;
  drawMade(pen, width, toy.network, lattice, hues);
  drawSamples(pen, width, toy.network, samples);
  const { x, f, z, count, network } = toy;
  pen.strokeStyle = colour("--abp-soft");
  pen.lineWidth = 1;
  for (let i = 0; i < count; i++) {
    line(pen, [
      [across(width, x[2 * i]), upward(width, x[2 * i + 1])],
      [across(width, f[2 * i]), upward(width, f[2 * i + 1])],
    ]);
  }
  for (let i = 0; i < count; i++) {
    pen.fillStyle = hueOf(hues, z[network.latent * i]);
    disc(pen, across(width, f[2 * i]), upward(width, f[2 * i + 1]), 3);
    pen.fill();
  }
  pen.fillStyle = colour("--abp-ink");
  for (let i = 0; i < count; i++) {
    disc(pen, across(width, x[2 * i]), upward(width, x[2 * i + 1]), i === chosen ? 5 : 2.2);
    pen.fill();
  }
  if (chosen < count) {
    pen.strokeStyle = colour("--abp-ink");
    pen.lineWidth = 1.5;
    disc(pen, across(width, x[2 * chosen]), upward(width, x[2 * chosen + 1]), 9);
    pen.stroke();
  }
}

// The line f(z) of one number, or the sheet of two, by the lines on which one of them stays.
/** @type {(pen: Pen, width: number, network: Network, lattice: Lattice, hues: Hues) => void} */
function drawMade(pen, width, network, { side, f }, hues) {
  /** @type {(k: number) => number[]} */
  const placed = (k) => [across(width, f[2 * k]), upward(width, f[2 * k + 1])];
  /** @type {(from: number, to: number, middle: number) => void} */
  const segment = (from, to, middle) => {
    pen.strokeStyle = hueOf(hues, codeAt(middle, side));
    line(pen, [placed(from), placed(to)]);
  };
  pen.lineCap = "round";
  if (network.latent === 1) {
    pen.lineWidth = 3;
    for (let k = 0; k + 1 < side; k++) segment(k, k + 1, k + 0.5);
    return;
  }
  pen.lineWidth = 1;
  for (let row = 0; row < side; row += MESH) {
    for (let k = 0; k + 1 < side; k++) segment(row * side + k, row * side + k + 1, k + 0.5);
  }
  for (let column = 0; column < side; column += MESH) {
    pen.strokeStyle = hueOf(hues, codeAt(column, side));
    line(
      pen,
      Array.from({ length: side }, (_, row) => placed(row * side + column)),
    );
  }
}

/** @type {(pen: Pen, width: number, network: Network, samples: Float64Array) => void} */
function drawSamples(pen, width, network, samples) {
  const trace = makeTrace(network.latent, network.hidden);
  pen.fillStyle = colour("--abp-learn");
  pen.globalAlpha = 0.35;
  for (let at = 0; at + network.latent <= samples.length; at += network.latent) {
    forward(network, samples, at, trace);
    disc(pen, across(width, trace.x[0]), upward(width, trace.x[1]), 3);
    pen.fill();
  }
  pen.globalAlpha = 1;
}
