// The sliders: of the directions that move most, each with a lock and what its ends look like, and
// of every raw coordinate.

// How what a slider changes is counted.
const OF_PICTURES =
  "Pixels that differ from end to end by over a tenth of the way from black to white";
const OF_SOUNDS = "How far it moves what is heard from -1 to 1, on average";

// A slider in its row, whose `refresh` lets it stand where the point is.
/** @type {(label: string, read: () => number, write: (value: number) => Point) => { row: any, input: Part, output: Part }} */
function slider(label, read, write) {
  const input = make("input", { type: "range", min: -RANGE, max: RANGE, step: 0.05 });
  const output = make("span", { className: "value" }); // no live region: all of them change at once
  let held = false;
  input.setAttribute("aria-label", label);
  input.oninput = () => {
    if (!held) remember(); // a move of the hand is undone as a whole
    held = true;
    go(write(Number(input.value)), { undoable: false, steer: false });
    output.textContent = Number(input.value).toFixed(2);
  };
  input.onchange = () => {
    held = false;
  };
  const row = make("div", { className: "slider" });
  row.refresh = () => {
    const value = read();
    if (document.activeElement !== input || !held) input.value = clamp(value, -RANGE, RANGE);
    output.textContent = value.toFixed(2);
  };
  return { row, input, output };
}

/** @type {(k: number) => Part} */
function directionRow(k) {
  const changes = model.changes[k];
  const { row, input, output } = slider(
    `Slider ${k + 1}, changes ${changes}`,
    () => coordinate(k),
    (t) => along(k, t),
  );
  const moves = make("small", {
    textContent: `${k + 1}: changes ${changes}`,
    title: model.kind === "sound" ? OF_SOUNDS : OF_PICTURES,
  });
  const ends = [0, 1].map((side) => directionEnd(k, side));
  row.append(moves, ends[0], input, ends[1], directionEnd(k, 2), output, lockButton(k));
  return row;
}

// What the output looks like below (0) and above (1) the middle of direction k, and how much both
// differ (2), which of a texture the eye does not find by itself.
/** @type {(k: number, side: number) => Part} */
function directionEnd(k, side) {
  const at = `Slider ${k + 1} at ${side ? "" : "-"}${model.ends} deviations`;
  const title = side < 2 ? at : "What differs between both ends: the brighter, the more";
  const box = make("div", { className: "end", title });
  box.dataset.place = `${side},${k}`;
  return box;
}
/** @type {(sheet: string) => void} */
function paintEnds(sheet) {
  for (const box of all(".end")) {
    const [side, k] = box.dataset.place.split(",").map(Number);
    cutOut(box, sheet, [side, 3], [k, model.sliders]);
  }
}

/** @type {(k: number) => Part} */
function lockButton(k) {
  const lock = make("button", {
    type: "button",
    className: "lock",
    textContent: "Lock",
    title: "Keep this when randomising",
  });
  lock.setAttribute("aria-label", `Lock slider ${k + 1}`);
  lock.onclick = () => {
    locks[k] = !locks[k];
    drawControls();
  };
  return lock;
}

/** @type {(i: number) => Part} */
function rawRow(i) {
  const { row, input, output } = slider(
    `Coordinate ${i + 1}`,
    () => raw(i),
    (value) => withRaw(i, value),
  );
  row.classList.add("plain");
  row.append(make("span", { textContent: `${i + 1}` }), input, output);
  return row;
}

function putSliders() {
  const [bank, rawBank] = all(".bank");
  const directions = Array.from({ length: model.sliders }, (_, k) => k);
  bank.replaceChildren(...directions.map(directionRow));
  rawBank.replaceChildren(...Array.from({ length: model.numbers }, (_, i) => rawRow(i)));
  part(".direction").replaceChildren(
    ...directions.map((k) => make("option", { value: k, textContent: k + 1 })),
  );
}

// Everything that steers, as it stands at the point.
function drawControls() {
  if (!point) return;
  for (const row of all(".slider")) /** @type {any} */ (row).refresh();
  all(".lock").forEach((lock, k) => {
    lock.setAttribute("aria-pressed", String(Boolean(locks[k])));
  });
  if (document.activeElement !== part(".seed")) part(".seed").value = point.seed ?? "";
  disable(part(".undo"), !past.length, part(".randomise"));
  disable(part(".redo"), !future.length, part(".undo"));
  all(".examples button").forEach((button, i) => {
    const on = moving() ? model.moments[i] === point.t : i === example;
    button.setAttribute("aria-pressed", String(on));
  });
  drawMoment();
  drawPlane();
  drawCells();
}
