// The plane under the hand: of a model with two latents all that it can make, of others the plane
// of seeds, where every corner of the grid is a sample of its own and places between them mix.

const SPAN = 1.6; // seeds that are seen from the middle of the pad upwards
const pad = part(".pad");
/** @type {{ x: number, y: number, from: number[], first: boolean }} */
let drag = null;

function drawPlane() {
  if (!model || !point) return;
  const { pen, width, height } = sheetOf(part(".pad canvas"));
  if (!width) return;
  if (flat()) {
    const [a, b] = (point.z ?? [0, 0]).map((z) => z / model.farthest);
    ring(pen, ((a + 1) / 2) * width, ((1 - b) / 2) * height);
  } else {
    drawSeeds(pen, width, height);
    ring(pen, width / 2, height / 2);
  }
}

// Where the point is.
/** @type {(pen: Pen, x: number, y: number) => void} */
function ring(pen, x, y) {
  disc(pen, x, y, 9);
  /** @type {[hue: string, thick: number][]} */
  const strokes = [
    ["#fff", 5],
    ["#4338ca", 2.5],
  ];
  for (const [hue, thick] of strokes) {
    pen.strokeStyle = hue;
    pen.lineWidth = thick;
    pen.stroke();
  }
}

/** @type {(pen: Pen, width: number, height: number) => void} */
function drawSeeds(pen, width, height) {
  const unit = height / 2 / SPAN;
  const { seed = 0, x: x0 = 0, y: y0 = 0 } = point;
  const reach = Math.ceil(width / 2 / unit) + 1;
  pen.fillStyle = colour("--abp-soft");
  pen.strokeStyle = colour("--abp-line");
  pen.textAlign = "center";
  for (let i = Math.floor(x0) - reach; i <= x0 + reach; i++) {
    for (let j = Math.floor(y0) - 2; j <= y0 + 3; j++) {
      const x = width / 2 + (i - x0) * unit;
      const y = height / 2 + (j - y0) * unit;
      pen.strokeRect(x, y, unit, unit);
      disc(pen, x, y, 3);
      pen.fill();
      const here = seed + i + model.row * j;
      if (here >= 0) pen.fillText(String(here), x, y + 22);
    }
  }
}

// Goes to a place of the plane.
/** @type {(x: number, y: number, undoable: boolean) => void} */
function goTo(x, y, undoable) {
  if (flat()) {
    go({ z: [x, y].map((z) => exact(clamp(z, -RANGE, RANGE))) }, { undoable });
    return;
  }
  const [across, down] = [x, y].map((at) => clamp(at, -bounds.plane, bounds.plane));
  const next = { seed: point.seed ?? 0, x: across, y: down, example: -1 };
  go(spatial() ? { ...point, ...next } : fresh(next), { undoable });
}

// Close to a seed it is that seed.
/** @type {(x: number) => number} */
const snap = (x) =>
  Math.abs(x - Math.round(x)) < 0.06 ? Math.round(x) : Math.round(x * 1000) / 1000;

pad.onpointerdown = (event) => {
  if (!point) return;
  pad.setPointerCapture(event.pointerId);
  drag = { x: event.clientX, y: event.clientY, from: [point.x ?? 0, point.y ?? 0], first: true };
  if (flat()) pad.onpointermove(event);
};
pad.onpointermove = (event) => {
  if (!drag) return;
  const box = pad.getBoundingClientRect();
  if (flat()) {
    const x = ((2 * (event.clientX - box.left)) / box.width - 1) * model.farthest;
    const y = (1 - (2 * (event.clientY - box.top)) / box.height) * model.farthest;
    goTo(x, y, drag.first);
  } else {
    const unit = box.height / 2 / SPAN;
    const x = snap(drag.from[0] - (event.clientX - drag.x) / unit);
    const y = snap(drag.from[1] - (event.clientY - drag.y) / unit);
    goTo(x, y, drag.first);
  }
  drag.first = false;
};
pad.onpointerup = pad.onpointercancel = () => {
  drag = null;
};
pad.onkeydown = (event) => {
  const move = arrow(event);
  if (!move || !point) return;
  event.preventDefault();
  const pace = event.shiftKey ? 1 : 0.1;
  const [x, y] = flat() ? (point.z ?? [0, 0]) : [point.x ?? 0, point.y ?? 0];
  const down = flat() ? -1 : 1; // latents grow upwards, seeds downwards
  goTo(exact(x + pace * move.x), exact(y + down * pace * move.y), true);
};

function putPlane() {
  part(".steer").dataset.pad = flat() ? "plane" : "seeds";
  part(".pad img").style.display = flat() ? "" : "none";
  part(".pad img").src = "";
  part(".pad-figure figcaption").textContent = flat()
    ? "All that this model can make: click or drag anywhere"
    : "The plane of seeds: drag it; between four seeds they mix, every dot is a sample of its own";
  const label = flat()
    ? "Plane of both latents; the arrow keys move"
    : "Plane of seeds; the arrow keys move, with Shift from seed to seed";
  pad.setAttribute("aria-label", label);
}
