// The latents of the current model under the hand.
// value {token, model: what describes it, refusal: a sentence, bounds: what a point may hold, and how
// many are kept, plane: where the sheet of its plane lies, of the model that a page opens with}.

/** @type {(i: number) => void} */
function chooseExample(i) {
  if (moving()) {
    stopFilm();
    goToMoment(model.moments[i]);
    return;
  }
  example = i;
  if (spatial() && sketch.tool === "copy") drawControls();
  else go(fresh({ example: i, seed: point.seed ?? 0 }));
}

// Thumbnails come after the first picture, one sheet after the other.
async function paintThumbnails() {
  const asked = model;
  const sheets = { plane: paintPlane, examples: paintAll, ends: paintEnds };
  for (const [what, paint] of Object.entries(sheets)) {
    if (what === "plane" && (!flat() || props.value.plane)) continue;
    const { picture = "", names } = await ask("sprite", { what });
    if (asked !== model) return;
    paint(picture, names);
  }
}
/** @type {(sheet: string, names: string[]) => void} */
const paintAll = (sheet, names) => {
  examplesSheet.src = sheet;
  paintExamples(sheet);
  model.names = names;
  nameExamples();
};
/** @type {(sheet: string) => void} */
const paintPlane = (sheet) => {
  part(".pad img").onload = beginDrift;
  part(".pad img").src = sheet;
};

// Where the address begins, or else where the visitor was.
/** @returns {Point} */
function beginning() {
  const link = inAddress() ? stated("point") : "";
  const before = link ? null : fromReload();
  linked = Boolean(link || before);
  if (!link) return before || home();
  const found = pointIn(link, unpacked);
  if (!found) complaint = "The link is damaged; here is the model from the beginning.";
  return found || home();
}

// Whether the address leads to another model than the one that a page opens with.
/** @type {(value: any) => boolean} */
const elsewhere = (value) => value.plane && stated("model") && stated("model") !== value.model.name;

function draw() {
  const value = props.value || {};
  takeIn(value);
  if (value.refusal) {
    refuse(value.refusal);
    return;
  }
  if (!value.model || model?.key === value.model.key || elsewhere(value)) return;
  model = value.model;
  point = null;
  begun = "";
  past = [];
  future = [];
  shown = null;
  locks = Array(model.sliders).fill(false);
  part(".look").dataset.kind = model.kind;
  part(".steer").dataset.kind = model.kind;
  part(".seed").parentElement.hidden = moving();
  part(".examples-box h3").textContent = moving()
    ? "Go to a moment"
    : "Begin at a training example";
  say("");
  putSliders();
  putPlane();
  putDrift();
  putBrush();
  putTime();
  putExamples({ "aria-pressed": "false" }, chooseExample);
  putJourneys();
  putLink();
  go(beginning());
  if (moving() && !linked && !calm.matches) playFilm(true);
  if (value.plane) paintPlane(value.plane);
  paintThumbnails();
}
keepDrawn(() => {
  drawPlane();
  drawCells();
});
watch("value", draw);
draw();
