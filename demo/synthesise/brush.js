// The brush on a texture without end: what it goes over is drawn anew, stroke by stroke. The strokes
// are all that is kept of it; the same ones make the same picture.

/** Its places are positions of the latent map, across and down.
 * @typedef {{ seed: number, places: [number, number][] }} Stroke */
/** @type {Stroke[]} */
let strokes = [];
/** @type {Stroke} */
let stroke = null; // under the hand
/** @type {Stroke[]} */
let awaited = []; // whose pieces are under way
let brushing = false;
/** @type {{ x: number, y: number }} */
let pointer = null; // over the view, in its pixels; without one the brush is in the middle

// The position under a pixel of the view.
/** @type {(x: number, y: number) => [number, number]} */
function positionAt(x, y) {
  const { unit } = props.value;
  return [
    Math.floor((centre.x + (x - view.clientWidth / 2) / zoom) / unit),
    Math.floor((centre.y + (y - view.clientHeight / 2) / zoom) / unit),
  ];
}

/** @type {(x: number, y: number) => void} */
function beginStroke(x, y) {
  const { bounds } = props.value;
  if (strokes.length >= bounds.strokes) {
    say(`The canvas holds ${bounds.strokes} strokes; please undo one first.`);
    return;
  }
  stroke = { seed: Math.floor(Math.random() * 1e9), places: [positionAt(x, y)] };
  draw();
}

// From the last place to a pixel of the view, in steps that leave no gap.
/** @type {(x: number, y: number) => void} */
function moveStroke(x, y) {
  pointer = { x, y };
  if (stroke) {
    const [from, to] = [stroke.places.at(-1), positionAt(x, y)];
    const steps = Math.floor(
      Math.hypot(to[0] - from[0], to[1] - from[1]) / (props.value.radius / 2),
    );
    for (let i = 1; i <= steps; i++) {
      const [across, down] = [0, 1].map((k) =>
        Math.round(from[k] + ((to[k] - from[k]) * i) / steps),
      );
      if (!reaches([across, down])) break;
      stroke.places.push([across, down]);
    }
  }
  draw();
}

// Whether the stroke may go on to a place.
/** @type {(place: [number, number]) => boolean} */
function reaches(place) {
  const { bounds } = props.value;
  const near = [0, 1].every((k) => {
    const along = [...stroke.places, place].map((each) => each[k]);
    return Math.max(...along) - Math.min(...along) <= bounds.span;
  });
  if (near && stroke.places.length < bounds.places) return true;
  say("A stroke reaches no farther; please go on with another one.");
  return false;
}

function endStroke() {
  if (!stroke) return;
  strokes = [...strokes, stroke];
  awaited = [...awaited, stroke];
  renew(stroke);
  stroke = null;
  say("It is drawn anew …");
  drawBrush();
}

function undoStroke() {
  const last = strokes.at(-1);
  strokes = strokes.slice(0, -1);
  awaited = awaited.filter((each) => each !== last);
  renew(last);
  say("The last stroke is undone.");
  drawBrush();
}

// The pieces that a stroke changes, of those that are held.
/** @type {(of: Stroke) => Piece[]} */
function touched(of) {
  const { side, unit, radius, reach } = props.value;
  const around = radius + reach + 1;
  const [[left, right], [top, bottom]] = [0, 1].map((k) => {
    const along = of.places.map((place) => place[k]);
    return [(Math.min(...along) - around) * unit, (Math.max(...along) + around) * unit];
  });
  return [...pieces.values()].filter(
    ({ across, down }) =>
      across * side <= right &&
      (across + 1) * side >= left &&
      down * side <= bottom &&
      (down + 1) * side >= top,
  );
}
/** @type {(of: Stroke) => void} */
function renew(of) {
  for (const piece of touched(of)) piece.stale = true;
  draw();
}

function drawMarks() {
  const before = awaited.length;
  awaited = awaited.filter((each) => touched(each).some((piece) => piece.stale || piece.asked));
  if (before && !awaited.length) say("Drawn anew, so that it fits; Undo takes it back.");
  element.dataset.awaited = String(awaited.length);
  const marks = part(".marks");
  const middle = { x: view.clientWidth / 2, y: view.clientHeight / 2 };
  const at = pointer ?? (document.activeElement === view ? middle : null);
  marks.hidden = !stroke && !awaited.length && !(brushing && at);
  if (marks.hidden) return;
  const { pen } = sheetOf(marks);
  pen.fillStyle = "#6366f180";
  for (const each of stroke ? [...awaited, stroke] : awaited) fillStroke(pen, each);
  if (!brushing || !at) return;
  for (const [style, width] of [
    ["#000000a0", 4],
    ["#ffffff", 2],
  ]) {
    pen.strokeStyle = String(style);
    pen.lineWidth = Number(width);
    disc(pen, at.x, at.y, brushRadius());
    pen.stroke();
  }
}
const brushRadius = () => (props.value.radius + 0.5) * props.value.unit * zoom;

/** @type {(pen: Pen, of: Stroke) => void} */
function fillStroke(pen, of) {
  const { unit } = props.value;
  pen.beginPath(); // one for all, or places that overlap would be darker
  for (const [across, down] of of.places) {
    const x = ((across + 0.5) * unit - centre.x) * zoom + view.clientWidth / 2;
    const y = ((down + 0.5) * unit - centre.y) * zoom + view.clientHeight / 2;
    pen.moveTo(x + brushRadius(), y);
    pen.arc(x, y, brushRadius(), 0, 2 * Math.PI);
  }
  pen.fill();
}

function drawBrush() {
  part(".brush").setAttribute("aria-pressed", String(brushing));
  view.dataset.brushing = String(brushing);
  element.dataset.strokes = String(strokes.length);
  disable(part(".undo"), !strokes.length, part(".brush"));
}
part(".brush").onclick = () => {
  brushing = !brushing;
  if (brushing) {
    drift(false);
    say(
      "Draw where it is to be made anew; with the keys, arrows move and Enter draws in the middle.",
    );
  } else say("Drag, or press the arrow keys; it never ends.");
  drawBrush();
  draw();
};
part(".undo").onclick = undoStroke;

function forgetStrokes() {
  strokes = [];
  awaited = [];
  stroke = null;
  drawBrush();
}
