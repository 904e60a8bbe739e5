// The walk to take home: the step that is shown as a picture, or from Python a film or a record.

const SIDE = 260; // pixels along a picture
const GAP = 12;

/** @type {(selector: string) => CanvasImageSource} */
const drawn = (selector) => /** @type {any} */ (part(selector));

// Everything that is shown of the step on one sheet, as a data URL.
function composed() {
  const sheet = make("canvas", { width: 4 * SIDE + 5 * GAP, height: 2 * SIDE + 4 * GAP + 20 });
  /** @type {CanvasRenderingContext2D} */
  const pen = sheet.getContext("2d");
  const { misfit, prior } = steps[cursor];
  const energy = `misfit ${short(misfit[chain])}, prior ${short(prior[chain])}`;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.fillStyle = "#1c1917";
  pen.font = "14px system-ui, sans-serif";
  pen.fillText(`${walk.name}, step ${cursor} of ${walk.used.steps}: ${energy}`, GAP, 20);
  pen.imageSmoothingEnabled = false;
  [".observed", ".made", ".residual", ".spread"].forEach((selector, k) => {
    if (part(selector).src) pen.drawImage(drawn(selector), GAP + k * (SIDE + GAP), 32, SIDE, SIDE);
  });
  pen.imageSmoothingEnabled = true;
  const below = SIDE + 44;
  const right = GAP + 2 * (SIDE + GAP);
  pen.drawImage(drawn(".energy"), GAP, below, 2 * SIDE, SIDE - 60);
  if (part(".land img").src) pen.drawImage(drawn(".land img"), right, below, SIDE, SIDE);
  pen.drawImage(drawn(".land canvas"), right, below, SIDE, SIDE);
  return sheet.toDataURL("image/png");
}

for (const button of all("[data-take]")) {
  button.onclick = () => {
    if (!walk) return;
    const what = button.dataset.take;
    if (what === "picture") {
      make("a", { href: composed(), download: `walk-${walk.walk}-step-${cursor}.png` }).click();
      return;
    }
    props.value = { ...props.value, take: { walk: walk.walk, what, chain } };
    trigger("take");
  };
}
