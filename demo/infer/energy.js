// The energy along the walk, on a log axis: of the chosen chain, as far as it is known.

/** The name of a curve, its colour, and its value at every step.
 * @typedef {[string, string, number[]]} Curve */
/** @typedef {{ low: number, high: number, py: (y: number) => number, left: number, right: number,
 *   height: number }} Axes */

const MARGIN = { left: 54, right: 8, top: 8, bottom: 20 };

/** @type {() => Curve[]} */
const energyCurves = () => [
  ["U", "--abp-infer", steps.map((step) => step.misfit[chain] + step.prior[chain])],
  ["misfit", "--abp-learn", steps.map((step) => step.misfit[chain])],
  ["prior", "--abp-soft", steps.map((step) => step.prior[chain])],
];

function drawEnergy() {
  const { pen, width, height } = sheetOf(part(".energy"));
  if (!width || !walk || !steps.length) return;
  const curves = energyCurves();
  const left = MARGIN.left;
  const right = width - MARGIN.right;
  const top = MARGIN.top;
  const bottom = height - MARGIN.bottom;
  const known = curves.flatMap(([, , ys]) => ys).filter((y) => y > 0 && Number.isFinite(y));
  const low = Math.log10(Math.max(Math.min(...known), 1e-3));
  const high = Math.log10(Math.max(...known)) + 0.05;
  /** @type {(k: number) => number} */
  const px = (k) => left + (k / Math.max(walk.used.steps, 1)) * (right - left);
  /** @type {(y: number) => number} */
  const py = (y) => {
    const up = (Math.log10(Math.max(y, 1e-3)) - low) / Math.max(high - low, 0.2);
    return bottom - up * (bottom - top);
  };
  drawAxes(pen, { low, high, py, left, right, height });
  for (const [, hue, ys] of curves) {
    pen.strokeStyle = colour(hue);
    pen.lineWidth = 2;
    line(
      pen,
      ys.map((y, k) => [px(k), py(y)]),
    );
  }
  markLost(pen, px, top + 10);
  pen.strokeStyle = colour("--abp-ink");
  pen.lineWidth = 1;
  line(pen, [
    [px(cursor), top],
    [px(cursor), bottom],
  ]);
  describeEnergy(curves);
}

/** @type {(pen: Pen, axes: Axes) => void} */
function drawAxes(pen, { low, high, py, left, right, height }) {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.strokeStyle = colour("--abp-line");
  pen.fillStyle = colour("--abp-soft");
  for (let e = Math.ceil(low); e <= high; e++) {
    const y = py(10 ** e);
    line(pen, [
      [left, y],
      [right, y],
    ]);
    pen.fillText((10 ** e).toLocaleString("en", { notation: "compact" }), left - 6, y);
  }
  pen.textBaseline = "alphabetic";
  pen.fillText(String(walk.used.steps), right, height - 5);
  pen.textAlign = "left";
  pen.fillText("step 0", left, height - 5);
}

// Where the chain ran away and was put back.
/** @type {(pen: Pen, px: (k: number) => number, y: number) => void} */
function markLost(pen, px, y) {
  pen.font = "bold 14px system-ui";
  pen.textAlign = "center";
  pen.fillStyle = colour("--abp-alarm");
  steps.forEach((step, k) => {
    if (step.lost[chain]) pen.fillText("×", px(k), y);
  });
}

/** @type {(curves: Curve[]) => void} */
function describeEnergy(curves) {
  part(".legend").replaceChildren(
    ...curves.map(([name, hue]) =>
      make("span", { textContent: ` ― ${name}`, style: `color: var(${hue})` }),
    ),
  );
  const now = steps[cursor];
  const label = now
    ? `Energy at step ${cursor}: misfit ${short(now.misfit[chain])}, prior ${short(now.prior[chain])}`
    : "Energy";
  part(".energy").setAttribute("aria-label", label);
}

part(".energy").onclick = (event) => {
  if (!walk) return;
  const box = part(".energy").getBoundingClientRect();
  const along = event.clientX - box.left - MARGIN.left;
  goTo(Math.round((along / (box.width - MARGIN.left - MARGIN.right)) * walk.used.steps));
};
