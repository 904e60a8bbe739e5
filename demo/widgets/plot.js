// One curve on a canvas, and the same in words: shared by the widgets that draw curves.

/** @type {(y: number) => string} */
const short = (y) => (y >= 100 ? y.toFixed(0) : y >= 1 ? y.toFixed(2) : y.toPrecision(2));

/** @typedef {{ hue: string, log?: boolean, reference?: number }} How */

// Round values between low and high: three or so on a line, on a log axis 1, 2 and 5 of a decade.
/** @type {(low: number, high: number, log: boolean) => number[]} */
function ticks(low, high, log) {
  const found = [];
  if (log) {
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
      for (const m of [1, 2, 5]) found.push(m * 10 ** e);
    }
    return found.filter((y) => y >= low && y <= high);
  }
  const step = 10 ** Math.floor(Math.log10((high - low) / 2));
  const wide = (high - low) / step > 5 ? 2 * step : step;
  for (let k = Math.ceil(low / wide); k * wide <= high; k++) found.push(+(k * wide).toPrecision(6));
  return found;
}

// From the lowest to the highest value that is shown, with some room around the values.
/** @type {(ys: number[], log: boolean) => [low: number, high: number]} */
function rangeOf(ys, log) {
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  if (log) {
    const least = Math.max(low / 1.15, 1e-5);
    return [least, Math.max(high * 1.15, least * 1.5)];
  }
  const room = (high - low || 1) * 0.12;
  return [low - room, high + room];
}

/** @type {(canvas: Part, xs: number[], ys: number[], how: How) => void} */
function plot(canvas, xs, ys, { hue, log = false, reference }) {
  const { pen, width, height } = sheetOf(canvas);
  if (!width) return;
  const left = 40;
  const bottom = height - 18;
  const top = 6;
  const right = width - 6;
  pen.fillStyle = colour("--abp-soft");
  pen.strokeStyle = colour("--abp-line");
  if (!xs.length) {
    pen.strokeRect(left, top, right - left, bottom - top);
    return;
  }
  const [low, high] = rangeOf(reference === undefined ? ys : [...ys, reference], log);
  const [first, last] = [xs[0], xs[xs.length - 1]];
  /** @type {(y: number) => number} */
  const warp = log ? (y) => Math.log(Math.max(y, 1e-5)) : (y) => y;
  /** @type {(x: number) => number} */
  const px = (x) => left + ((x - first) / (last - first || 1)) * (right - left);
  /** @type {(y: number) => number} */
  const py = (y) => bottom - ((warp(y) - warp(low)) / (warp(high) - warp(low))) * (bottom - top);
  /** @type {(y: number) => number[][]} */
  const across = (y) => [
    [left, py(y)],
    [right, py(y)],
  ];
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const y of ticks(low, high, log)) {
    line(pen, across(y));
    pen.fillText(short(y), left - 5, py(y));
  }
  pen.textBaseline = "alphabetic";
  pen.fillText(String(last), right, height - 4);
  pen.textAlign = "left";
  pen.fillText(`iteration ${first}`, left, height - 4);
  if (reference !== undefined) {
    pen.setLineDash([4, 4]);
    pen.strokeStyle = colour("--abp-soft");
    line(pen, across(reference));
    pen.setLineDash([]);
  }
  pen.strokeStyle = colour(hue);
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  line(
    pen,
    xs.map((x, i) => [px(x), py(ys[i])]),
  );
}

// The same in words.
/** @type {(figure: Part, xs: number[], ys: number[]) => void} */
function describe(figure, xs, ys) {
  const name = part("b", figure).textContent;
  const [first, last] = [ys[0], ys[ys.length - 1]];
  part("output", figure).textContent = ys.length ? short(last) : "";
  const label = ys.length
    ? `${name}: ${short(first)} at iteration ${xs[0]}, ${short(last)} at iteration ${xs[xs.length - 1]}`
    : `${name}, no values yet`;
  part("canvas", figure).setAttribute("aria-label", label);
}
