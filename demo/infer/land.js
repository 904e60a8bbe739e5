// The walk over a landscape of the energy: of two latents, or in the plane where it is widest.

/** @type {{ picture: string, low: number[], high: number[], share: number, path: number[][][] }} */
let land = null;

// Of large maps of codes it takes too long; a film's frames have small ones.
const hasLand = () => !walk.spatial || walk.kind === "film";

function forgetLand() {
  land = null;
  part(".land img").removeAttribute("src");
}

async function fetchLand() {
  const asked = walk;
  const answer = await ask("land", { walk: walk.walk });
  if (asked !== walk || answer.refusal) return;
  land = answer;
  part(".land img").src = land.picture;
  if (!walk.flat) {
    part(".land-caption").textContent =
      `The walk in the plane where it is widest (${land.share} % of it), over the energy in that plane`;
  }
  drawPath();
}

// Where chain c was at step k; the plane of more than two latents is known with the landscape only.
/** @type {(k: number, c: number) => number[] | undefined} */
const placeOf = (k, c) => (walk.flat ? steps[k]?.at[c] : land?.path[k]?.[c]);

function drawPath() {
  const { pen, width, height } = sheetOf(part(".land canvas"));
  if (!width || !walk || !steps.length || !placeOf(0, 0)) return;
  const low = land ? land.low : [-walk.farthest, -walk.farthest];
  const high = land ? land.high : [walk.farthest, walk.farthest];
  /** @type {(place: number[]) => number[]} */
  const toPixels = ([x, y]) => [
    ((x - low[0]) / (high[0] - low[0])) * width,
    (1 - (y - low[1]) / (high[1] - low[1])) * height,
  ];
  for (let c = 0; c < walk.chains; c++) {
    drawTrail(pen, c, toPixels);
    drawHead(pen, c, toPixels);
  }
  part(".land canvas").setAttribute("aria-label", `The walk over the energy, step ${cursor}`);
}

// The way of chain c to the cursor; where it ran away it begins anew.
/** @type {(pen: Pen, c: number, toPixels: (place: number[]) => number[]) => void} */
function drawTrail(pen, c, toPixels) {
  const mine = c === chain;
  pen.strokeStyle = mine ? "#ea580c" : "#1c191790";
  pen.lineWidth = mine ? 2.2 : 1;
  pen.beginPath();
  for (let k = 0; k <= cursor && placeOf(k, c); k++) {
    const [x, y] = toPixels(placeOf(k, c));
    if (steps[k]?.lost[c]) pen.moveTo(x, y);
    else pen.lineTo(x, y);
  }
  pen.stroke();
}

/** @type {(pen: Pen, c: number, toPixels: (place: number[]) => number[]) => void} */
function drawHead(pen, c, toPixels) {
  const known = land && !walk.flat ? land.path.length : steps.length;
  const now = placeOf(Math.min(cursor, known - 1), c);
  if (!now) return;
  const mine = c === chain;
  const [x, y] = toPixels(now);
  disc(pen, x, y, mine ? 6 : 3.5);
  pen.fillStyle = mine ? "#ea580c" : "#fff";
  pen.strokeStyle = "#18181b";
  pen.lineWidth = 1;
  pen.fill();
  pen.stroke();
}
