// The plane under the hand: of a model with two latents all that it can make, of others the plane
// of seeds, where every corner of the grid is a sample of its own and places between them mix.

const SPAN = 1.6; // seeds that are seen from the middle of the pad upwards
const NEAREST = 44; // pixels along the nearest example
const pad = part(".pad");
const examplesSheet = new Image();
/** @type {{ x: number, y: number, from: number[], first: boolean }} */
let drag = null;

function drawPlane() {
  if (!model || !point) return;
  const { pen, width, height } = sheetOf(part(".pad canvas"));
  if (!width) return;
  if (flat()) {
    const [a, b] = (point.z ?? [0, 0]).map((z) => z / model.farthest);
    drawMarks(pen, width);
    ring(pen, ((a + 1) / 2) * width, ((1 - b) / 2) * height);
  } else {
    drawSeeds(pen, width, height);
    ring(pen, width / 2, height / 2);
  }
}

/** @type {(pen: Pen, width: number) => void} */
function drawMarks(pen, width) {
  /** @type {(z: number[]) => [number, number]} */
  const at = ([x, y]) => [
    ((x / model.farthest + 1) / 2) * width,
    ((1 - y / model.farthest) / 2) * width,
  ];
  /** @type {(thick: number, dash?: number[]) => void} */
  const both = (thick, dash = []) => {
    pen.setLineDash(dash);
    for (const [hue, more] of /** @type {[string, number][]} */ ([
      ["#ffffffcc", 2],
      ["#4338ca", 0],
    ])) {
      Object.assign(pen, { strokeStyle: hue, lineWidth: thick + more });
      pen.stroke();
    }
    pen.setLineDash([]);
  };
  if (model.normal) {
    for (const deviations of [1, 2]) {
      disc(pen, width / 2, width / 2, (deviations / 2 / model.farthest) * width - 1);
      both(1.25, [4, 4]);
    }
  }
  kept.slice(1).forEach((next, i) => {
    const ends = [kept[i].point.z, next.point.z];
    if (!ends[0] || !ends[1]) return;
    pen.beginPath();
    for (const z of ends) pen.lineTo(...at(z));
    both(1, [6, 4]);
    pen.beginPath();
    for (let t = 0; t <= 32; t++) pen.lineTo(...at(onArc(ends[0], ends[1], t / 32)));
    both(2);
  });
  pen.lineWidth = 1.5;
  for (const code of model.codes) {
    disc(pen, ...at(code), 3.5);
    Object.assign(pen, { fillStyle: "#fff", strokeStyle: "#c2410c" });
    pen.fill();
    pen.stroke();
  }
  if (drag && point.z) drawNearest(pen, at);
}

// The example whose code is nearest, beside the point.
/** @type {(pen: Pen, at: (z: number[]) => [number, number]) => void} */
function drawNearest(pen, at) {
  const apart = model.codes.map(([x, y]) => Math.hypot(x - point.z[0], y - point.z[1]));
  const nearest = apart.indexOf(Math.min(...apart));
  if (nearest < 0) return;
  const [from, to] = [at(point.z), at(model.codes[nearest])];
  Object.assign(pen, { strokeStyle: "#c2410c", lineWidth: 2.5 });
  line(pen, [from, to]);
  disc(pen, ...to, 6);
  pen.stroke();
  part(".pad-figure figcaption").textContent =
    `Nearest: ${nameOf(nearest)}, ${apart[nearest].toFixed(2)} away`;
  const side = examplesSheet.naturalHeight;
  if (!side || nearest >= model.examples) return;
  const corner = [
    from[0] < 70 ? from[0] + 16 : from[0] - 16 - NEAREST,
    Math.max(2, from[1] - NEAREST),
  ];
  pen.strokeRect(corner[0], corner[1], NEAREST, NEAREST);
  pen.drawImage(
    examplesSheet,
    nearest * side,
    0,
    side,
    side,
    corner[0],
    corner[1],
    NEAREST,
    NEAREST,
  );
}

// On the way that the studio takes between two latents, see sampling.between.
/** @type {(a: number[], b: number[], t: number) => number[]} */
function onArc(a, b, t) {
  const lengths = Math.hypot(...a) * Math.hypot(...b);
  const angle = Math.acos(clamp((a[0] * b[0] + a[1] * b[1]) / (lengths || 1), -1, 1));
  const sine = Math.sin(angle);
  const [from, to] =
    sine < 1e-3 ? [1 - t, t] : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return a.map((x, i) => from * x + to * b[i]);
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
  if (!model) return;
  part(".pad-figure figcaption").textContent = explained();
  drawPlane();
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

// What is drawn on the plane, in words.
function explained() {
  if (!flat()) return "Every dot is a seed with a sample of its own; between four seeds they mix.";
  const circles = model.normal ? " Circles: 1 and 2 deviations of the prior." : "";
  return `Dots: the codes of the ${model.codes.length} examples.${circles}`;
}

function putPlane() {
  part(".pad-figure").hidden = moving();
  part(".steer").dataset.pad = flat() ? "plane" : "seeds";
  part(".pad img").style.display = flat() ? "" : "none";
  part(".pad img").src = "";
  part(".pad-figure figcaption").textContent = explained();
  part(".lead span").textContent = flat()
    ? `${model.learnt} pictures were learnt; everything between is invented. Drag.`
    : moving()
      ? `${model.frames} frames were learnt; move through them, and move them.`
      : `Every point is a ${{ sound: "sound", texture: "texture" }[model.kind] ?? "picture"}; drag.`;
  const label = flat()
    ? "Plane of both numbers of a code; the arrow keys move"
    : "Plane of seeds; the arrow keys move, with Shift from seed to seed";
  pad.setAttribute("aria-label", label);
}
