// The latents of the current model under the hand.
// value {token, model: what describes it, point: where to begin or empty, refusal: a sentence,
// bounds: what a point may hold, and how many are kept}.

/** @type {(i: number) => void} */
function chooseExample(i) {
  example = i;
  if (spatial() && sketch.tool === "copy") drawControls();
  else go(fresh({ example: i, seed: point.seed ?? 0 }));
}

// Thumbnails come after the first picture, one sheet after the other.
async function paintThumbnails() {
  const asked = model;
  const sheets = { plane: paintPlane, ends: paintEnds, examples: paintExamples };
  for (const [what, paint] of Object.entries(sheets)) {
    if (what === "plane" && !flat()) continue;
    const { picture = "" } = await ask("sprite", { what });
    if (asked !== model) return;
    paint(picture);
  }
}
/** @type {(sheet: string) => void} */
const paintPlane = (sheet) => {
  part(".pad img").src = sheet;
};

// Where the link begins, or else where the visitor was.
/** @type {(link: string) => Point} */
function beginning(link) {
  if (!link) return fromReload() || home();
  const found = pointIn(link, unpacked);
  if (!found) complaint = "The link is damaged; here is the model from the beginning.";
  return found || home();
}

function draw() {
  const value = props.value || {};
  takeIn(value);
  if (value.refusal) {
    refuse(value.refusal);
    return;
  }
  if (!value.model || model?.key === value.model.key) return;
  model = value.model;
  point = null;
  past = [];
  future = [];
  shown = null;
  locks = Array(model.sliders).fill(false);
  part(".look").dataset.kind = model.kind;
  say("");
  putSliders();
  putPlane();
  putBrush();
  putExamples({ "aria-pressed": "false" }, chooseExample);
  putJourneys();
  putLink();
  go(beginning(value.point));
  paintThumbnails();
}
keepDrawn(() => {
  drawPlane();
  drawCells();
});
watch("value", draw);
draw();
