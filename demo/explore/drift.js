// Before the first touch the point of a plane moves along an arc by itself. The face on its way is
// mixed, in the browser, of the four thumbnails around it: not one request is made.

const TURN = 36; // seconds once around the middle
const ORBIT = 1.15; // deviations from the middle to which it finds
const PACE = 40; // milliseconds from one drawing to the next; more is not seen of so slow a motion

const between = part(".between");
const drift = { on: false, held: false, seen: false, drawn: 0, angle: 0, radius: 0 };
let touched = false; // from then on nothing on this tab moves by itself
let linked = false; // somebody sent this point: it stays

// Begins once there is a point, and a sheet to take the thumbnails from.
function beginDrift() {
  const ready = flat() && point?.z && part(".pad img").naturalWidth;
  if (!ready || touched || linked || drift.on || calm.matches) return;
  const [x, y] = point.z;
  Object.assign(drift, { on: true, angle: Math.atan2(y, x), radius: Math.hypot(x, y) });
  part(".pause").hidden = false;
  say("The picture changes by itself until you touch it.");
  nextDrift();
}
const nextDrift = () => {
  if (drift.on && drift.seen && !drift.held) requestAnimationFrame(moveDrift);
};

/** @type {(now: number) => void} */
function moveDrift(now) {
  if (!drift.on || !drift.seen || drift.held) return;
  const passed = now - drift.drawn;
  if (passed >= PACE) {
    const seconds = Math.min(passed, 100) / 1000;
    drift.drawn = now;
    drift.angle += (2 * Math.PI * seconds) / TURN;
    drift.radius += (ORBIT - drift.radius) * 0.3 * seconds;
    const { angle, radius } = drift;
    point = { z: [exact(radius * Math.cos(angle)), exact(radius * Math.sin(angle))] };
    mixPicture();
    drawControls();
    element.dataset.drifted = String((Number(element.dataset.drifted) || 0) + 1);
  }
  nextDrift();
}

// The picture at the point as a mixture of the thumbnails around it.
function mixPicture() {
  const sheet = part(".pad img");
  const side = sheet.naturalWidth / model.thumbnails;
  if (between.width !== side) between.width = between.height = side;
  const pen = between.getContext("2d");
  const [u, v] = [point.z[0], -point.z[1]].map((z) => {
    const at = ((z / model.farthest + 1) / 2) * model.thumbnails - 0.5;
    return clamp(at, 0, model.thumbnails - 1.001);
  });
  pen.clearRect(0, 0, side, side);
  pen.globalCompositeOperation = "lighter";
  for (const i of [0, 1]) {
    for (const j of [0, 1]) {
      pen.globalAlpha = share(u % 1, i) * share(v % 1, j);
      const corner = [(Math.floor(u) + i) * side, (Math.floor(v) + j) * side];
      pen.drawImage(/** @type {any} */ (sheet), corner[0], corner[1], side, side, 0, 0, side, side);
    }
  }
  between.hidden = false;
}
// It lingers where a picture is the model's own.
/** @type {(t: number, i: number) => number} */
const share = (t, i) => {
  const eased = t * t * (3 - 2 * t);
  return i ? eased : 1 - eased;
};

// For good: the picture is asked for where the point came to.
function endDrift() {
  touched = true;
  if (!drift.on) return;
  drift.on = false;
  if (document.activeElement === part(".pause")) pad.focus({ preventScroll: true });
  part(".pause").hidden = true;
  go(point, { undoable: false });
}
/** @type {(event: Event) => void} */
function feel(event) {
  const target = /** @type {Element} */ (event.target);
  const passing = event instanceof KeyboardEvent && ["Tab", "Shift"].includes(event.key);
  if (!passing && !target.closest?.(".pause, [role=tab]")) endDrift();
}
for (const kind of ["pointerdown", "keydown", "wheel", "input"]) {
  document.addEventListener(kind, feel, { capture: true, passive: true });
}

part(".pause").onclick = () => {
  drift.held = !drift.held;
  part(".pause").textContent = drift.held ? "Go on" : "Pause";
  nextDrift();
};
calm.addEventListener("change", () => calm.matches && endDrift());
new IntersectionObserver(([{ isIntersecting }]) => {
  drift.seen = isIntersecting;
  nextDrift();
}).observe(element);

function putDrift() {
  drift.on = false;
  between.hidden = true;
  part(".pause").hidden = true;
}
