// From point to point: the studio is asked for the picture, and the newest request wins.

const UNDOS = 100; // points that can be gone back to

/** @type {{ picture: string, sound: string, map?: string, z?: number[] }} */
let shown = null; // the last answer
/** @type {Point[]} */
let past = [];
/** @type {Point[]} */
let future = [];
/** @type {Point} */
let wanted = null;
let looking = false;
let complaint = ""; // of a link that was damaged, until the next change

async function look() {
  if (looking) return;
  looking = true;
  try {
    while (wanted) await lookAt(wanted);
  } finally {
    looking = false; // whatever happened, the next point is looked at
  }
}
/** @type {(request: Point) => Promise<void>} */
async function lookAt(request) {
  const asked = model;
  wanted = null;
  const mark = performance.now();
  const answer = await ask("look", { point: request });
  if (asked === model && !drift.on) between.hidden = true;
  if (asked !== model || refuse(answer.refusal)) return;
  refuse(complaint);
  complaint = "";
  /** @type {Point} */
  const found = answer.z ? { ...request, z: answer.z, moves: [] } : request;
  if (!wanted && !drift.on) point = found;
  if (JSON.stringify(request) === JSON.stringify(home())) begun = packed(found);
  shown = answer;
  show(performance.now() - mark);
}

function remember() {
  past = [...past, point].slice(-UNDOS);
  future = [];
}

/** @type {(next: Point, how?: { undoable?: boolean, steer?: boolean }) => void} */
function go(next, { undoable = true, steer = true } = {}) {
  if (undoable && point) remember();
  point = next;
  wanted = next;
  if (steer) drawControls();
  look();
}

/** @type {(milliseconds: number) => void} */
function show(milliseconds) {
  const picture = part(".picture");
  picture.src = shown.picture;
  picture.alt = `${model.label}: what the model makes of this point`;
  element.dataset.shown = String((Number(element.dataset.shown) || 0) + 1);
  if (shown.map) part(".map img").src = shown.map;
  const audio = part(".look audio");
  audio.style.display = shown.sound ? "" : "none";
  if (shown.sound) {
    const playing = !audio.paused;
    const at = audio.currentTime;
    audio.src = shown.sound;
    if (playing) {
      audio.currentTime = at;
      audio.play().catch(() => {});
    }
  }
  part(".pace").textContent = `${Math.round(milliseconds)} ms`;
  drawControls();
  beginDrift();
  if (drift.on) return;
  keepForReload();
  notePoint();
}

part(".randomise").onclick = () => go(fresh(moving() ? { t: anyMoment() } : { seed: anySeed() }));
part(".reset").onclick = () => {
  locks = locks.map(() => false);
  go(home());
};
part(".undo").onclick = () => {
  if (!past.length) return;
  future.push(point);
  go(past.pop(), { undoable: false });
};
part(".redo").onclick = () => {
  if (!future.length) return;
  past.push(point);
  go(future.pop(), { undoable: false });
};
part(".seed").onchange = () => {
  const text = part(".seed").value.trim();
  const highest = bounds.seed;
  if (!/^\d+$/.test(text) || Number(text) > highest) {
    refuse(`Please type a whole number from 0 to ${highest} as the seed.`);
    return;
  }
  go(fresh({ seed: Number(text) }));
};
