// A texture without end, in a window of its own, where to drag is to move over it, or with the brush to
// draw: value {token, key, side: pixels of a piece, unit: of a latent, radius and reach: of the brush
// and of a latent's influence, in latents, bounds: of strokes and tiles, and how it is drawn}.

const STEP = 80; // pixels that an arrow key moves
const DRIFT = 18; // pixels a second

const dialog = /** @type {HTMLDialogElement} */ (/** @type {unknown} */ (part("dialog")));
let drifting = false;
let drawnAt = 0;
let tiling = false;

function draw() {
  if (!dialog.open) return;
  placePieces();
  drawMarks();
  part(".where").textContent = `${Math.round(centre.x)}, ${Math.round(centre.y)}`;
  element.dataset.at = `${Math.round(centre.x)} ${Math.round(centre.y)}`;
}

/** @type {(x: number, y: number) => void} */
function move(x, y) {
  centre.x += x / zoom;
  centre.y += y / zoom;
  draw();
}

/** @type {(on: boolean) => void} */
function drift(on) {
  drifting = on && dialog.open;
  part(".drift").setAttribute("aria-pressed", String(drifting));
  drawnAt = performance.now();
  if (drifting) requestAnimationFrame(float);
}
/** @type {(now: number) => void} */
function float(now) {
  if (!drifting) return;
  const seconds = Math.min(0.1, (now - drawnAt) / 1000);
  drawnAt = now;
  if (!document.hidden) move(DRIFT * seconds, 0.4 * DRIFT * seconds);
  requestAnimationFrame(float);
}

function openView() {
  forgetPieces();
  centre.x = 0;
  centre.y = 0;
  refuse("");
  dialog.showModal();
  view.focus();
  say("Drag, or press the arrow keys; it never ends.");
  draw();
  drift(!calm.matches && !brushing);
}

// What is shown, as a tile to take home; of a large window the middle.
async function takeTile() {
  if (tiling) return;
  tiling = true; // the button stays as it is, and keeps the focus
  const { unit, bounds } = props.value;
  const now = opened;
  const [columns, rows] = [view.clientWidth, view.clientHeight].map((pixels) =>
    Math.floor(Math.min(pixels / zoom, bounds.tile) / unit),
  );
  const left = Math.round(centre.x / unit - columns / 2);
  const top = Math.round(centre.y / unit - rows / 2);
  drift(false);
  say("Making a tile of what is shown …");
  const answer = await askCanvas(server.tile, { left, top, columns, rows });
  tiling = false;
  if (now !== opened) return;
  say("");
  if (refuse(answer.refusal)) return;
  make("a", { href: answer.file, download: answer.name }).click();
  say(`A tile of ${answer.size.join(" x ")} pixels is taken; it continues itself at every edge.`);
}

part(".open").onclick = openView;
part(".close").onclick = () => dialog.close();
dialog.onclose = () => {
  drift(false);
  stroke = null;
  awaited = [];
  forgetPieces();
};
part(".drift").onclick = () => drift(!drifting);
part(".tile").onclick = takeTile;
part(".zoom").onclick = () => {
  zoom = zoom === 1 ? 2 : 1;
  part(".zoom").setAttribute("aria-pressed", String(zoom === 2));
  part(".pieces").style.imageRendering = zoom === 2 ? "pixelated" : "";
  draw();
};
let key = props.value.key;
watch("value", () => {
  if (key === props.value.key) return;
  if (dialog.open) dialog.close(); // what is shown is of another model
  forgetStrokes();
  key = props.value.key;
});
drawBrush();

view.addEventListener("pointerdown", (event) => {
  drift(false);
  view.setPointerCapture(event.pointerId);
  if (brushing) beginStroke(event.offsetX, event.offsetY);
});
view.addEventListener("pointermove", (event) => {
  if (brushing) moveStroke(event.offsetX, event.offsetY);
  else if (view.hasPointerCapture(event.pointerId)) move(-event.movementX, -event.movementY);
});
view.addEventListener("pointerup", endStroke);
view.addEventListener("pointercancel", () => {
  stroke = null;
  draw();
});
view.addEventListener("pointerleave", () => {
  pointer = null;
  draw();
});
view.addEventListener("wheel", (event) => {
  event.preventDefault();
  drift(false);
  move(event.deltaX, event.deltaY);
});
view.addEventListener("keydown", (event) => {
  const way = arrow(event);
  const draws = brushing && (event.key === "Enter" || event.key === " ");
  if (!way && !draws) return;
  event.preventDefault();
  drift(false);
  pointer = null; // the brush is in the middle
  if (way) return move(STEP * way.x, STEP * way.y);
  beginStroke(view.clientWidth / 2, view.clientHeight / 2);
  endStroke();
});
view.addEventListener("focus", draw);
view.addEventListener("blur", draw);
addEventListener("resize", draw);
