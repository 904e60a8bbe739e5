// The moment of a film that is shown: a slider through time, and time that goes on by itself.

const moment = part(".moment");
const film = {
  running: false,
  once: false, // it began by itself, and ends at the end
  seen: false,
  held: false, // the slider, by a hand
  at: 0, // when its last frame was asked for, in milliseconds
};
const SLOWEST = 250; // milliseconds that pass from one frame to the next at most
const SOONEST = 40; // and at least; more is not seen

const lastMoment = () => model.frames - 1;
const anyMoment = () => Math.floor(Math.random() * model.frames);
/** @type {(t: number) => string} */
const clock = (t) => `${(t / model.rate).toFixed(2)} s`;

/** @type {(t: number, how?: { undoable?: boolean, steer?: boolean }) => void} */
function goToMoment(t, how) {
  go({ ...point, t: Math.round(100 * clamp(t, 0, lastMoment())) / 100 }, how);
}

/** @type {(byItself?: boolean) => void} */
function playFilm(byItself = false) {
  if (film.running) return;
  Object.assign(film, { running: true, once: byItself, at: performance.now() });
  nextMoment();
  drawMoment();
}
function stopFilm() {
  film.running = false;
  drawMoment();
}
const nextMoment = () => {
  if (film.running && film.seen) requestAnimationFrame(moveOn);
};

// The next frame is asked for when the one before has come; it is the one whose time it is by then.
/** @type {(now: number) => void} */
function moveOn(now) {
  if (!film.running || !film.seen) return;
  if (!moving() || !part(".refusal").hidden) {
    stopFilm();
    return;
  }
  const passed = now - film.at;
  if (!looking && passed >= SOONEST) {
    const t = point.t + (Math.min(passed, SLOWEST) / 1000) * model.rate;
    film.at = now;
    if (t > lastMoment() && film.once) {
      goToMoment(lastMoment(), { undoable: false, steer: false });
      stopFilm();
      return;
    }
    goToMoment(t > lastMoment() ? 0 : t, { undoable: false, steer: false });
  }
  nextMoment();
}

part(".run").onclick = () => {
  if (film.running) {
    stopFilm();
    return;
  }
  remember();
  if (point.t >= lastMoment()) goToMoment(0, { undoable: false });
  playFilm();
};
moment.oninput = () => {
  if (!film.held) remember(); // a move of the hand is undone as a whole
  film.held = true; // before anything is drawn, which would put the slider back
  stopFilm();
  goToMoment(Number(moment.value), { undoable: false });
};
moment.onchange = () => {
  film.held = false;
};
// The arrow keys go from frame to frame, with Shift a quarter of the way.
moment.onkeydown = (event) => {
  const move = arrow(event);
  if (!move) return;
  event.preventDefault();
  stopFilm();
  goToMoment(point.t + (move.x - move.y) * (event.shiftKey ? 0.25 : 1));
};
calm.addEventListener("change", () => calm.matches && stopFilm());
new IntersectionObserver(([{ isIntersecting }]) => {
  film.seen = isIntersecting;
  film.at = performance.now();
  nextMoment();
}).observe(element);

function drawMoment() {
  if (!moving() || !point) return;
  part(".run").textContent = film.running ? "❚❚" : "▶";
  part(".run").setAttribute("aria-label", film.running ? "Pause" : "Play");
  if (!film.held) moment.value = point.t;
  const where = `${clock(point.t)} of ${clock(lastMoment())}`;
  moment.setAttribute("aria-valuetext", where);
  part(".time output").textContent = where;
}

function putTime() {
  film.running = false;
  film.held = false;
  part(".time").hidden = !moving();
  part(".frame").style.aspectRatio = model.aspect ? String(model.aspect) : "";
  moment.max = model.frames - 1;
}
