// The brush that changes a latent map, cell by cell, on the picture that it makes.

const cells = part(".cells");
const sketch = {
  // A finger that scrolls paints nothing until it has chosen a brush.
  tool: window.matchMedia("(pointer: coarse)").matches ? "off" : "resample",
  cursor: [0, 0], // row and column under the pointer or moved by the keys
  over: false,
  /** @type {Set<number>} */
  stroke: null, // the cells that it has touched so far
};
let example = -1; // that copies are taken from

const grid = () => (model.view.length === 1 ? [1, model.view[0]] : model.view);

// The cells that the brush covers.
/** @type {() => Set<number>} */
function brushed() {
  const [rows, columns] = grid();
  const [row, column] = sketch.cursor;
  const width = Number(part(".width").value);
  const low = Math.floor((width - 1) / 2);
  /** @type {Set<number>} */
  const found = new Set();
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      const r = rows === 1 ? 0 : row - low + i;
      const c = column - low + j;
      if (r >= 0 && r < rows && c >= 0 && c < columns) found.add(r * columns + c);
    }
  }
  return found;
}

function drawCells() {
  if (!model || !spatial()) return;
  const { pen, width, height } = sheetOf(cells);
  const [rows, columns] = grid();
  /** @type {(chosen: Set<number>, fill: string) => void} */
  const tint = (chosen, fill) => {
    pen.fillStyle = fill;
    for (const cell of chosen) {
      const r = Math.floor(cell / columns);
      const c = cell % columns;
      pen.fillRect((c * width) / columns, (r * height) / rows, width / columns, height / rows);
    }
  };
  if (sketch.stroke) tint(sketch.stroke, "#6366f180");
  else if (sketch.tool === "off") return;
  else if (sketch.over || document.activeElement === cells) tint(brushed(), "#ffffff55");
}

/** @type {(row: number, column: number) => void} */
function moveCursor(row, column) {
  const [rows, columns] = grid();
  sketch.cursor = [clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)];
}
/** @type {(event: PointerEvent) => void} */
function moveCursorTo(event) {
  const box = cells.getBoundingClientRect();
  const [rows, columns] = grid();
  moveCursor(
    Math.floor(((event.clientY - box.top) / box.height) * rows),
    Math.floor(((event.clientX - box.left) / box.width) * columns),
  );
}

// Does to the cells what the tool does.
/** @type {(chosen: Set<number>) => void} */
function stroke(chosen) {
  const bits = [...chosen].reduce((sum, cell) => sum | (1n << BigInt(cell)), 0n).toString(16);
  /** @type {Edit} */
  const edit = { what: sketch.tool, cells: bits };
  if (edit.what === "resample") edit.number = anySeed();
  if (moving() && edit.what !== "paint") edit.t = point.t;
  if (edit.what === "copy" && moving()) {
    say(`That place stays as it is at ${clock(point.t)}, wherever time goes.`);
  } else if (edit.what === "copy") {
    if (example < 0) {
      refuse("Please choose a training example to copy from.");
      return;
    }
    edit.number = example;
  }
  if (edit.what === "paint") {
    edit.number = Number(part(".direction").value);
    edit.amount = Number(part(".amount").value);
  }
  go({ ...point, edits: [...(point.edits ?? []), edit] });
}

cells.onpointerdown = (event) => {
  if (!spatial() || !point || sketch.tool === "off") return;
  cells.setPointerCapture(event.pointerId);
  moveCursorTo(event);
  sketch.stroke = brushed();
  drawCells();
};
cells.onpointermove = (event) => {
  if (!model || !spatial()) return;
  sketch.over = true;
  moveCursorTo(event);
  if (sketch.stroke) for (const cell of brushed()) sketch.stroke.add(cell);
  drawCells();
};
cells.onpointerup = () => {
  const chosen = sketch.stroke;
  sketch.stroke = null;
  if (chosen) stroke(chosen);
  drawCells();
};
cells.onpointercancel = () => {
  sketch.stroke = null;
  drawCells();
};
cells.onpointerleave = () => {
  sketch.over = false;
  drawCells();
};
cells.onfocus = cells.onblur = drawCells;
cells.onkeydown = (event) => {
  if (!model || !spatial()) return;
  const move = arrow(event);
  if (move) moveCursor(sketch.cursor[0] + move.y, sketch.cursor[1] + move.x);
  else if ((event.key === " " || event.key === "Enter") && sketch.tool !== "off") stroke(brushed());
  else return;
  event.preventDefault();
  drawCells();
};

function drawTools() {
  part(".look").dataset.tool = sketch.tool;
  for (const button of all("button[data-tool]"))
    choose(button, button.dataset.tool === sketch.tool);
  for (const box of all(".only-paint")) {
    box.style.visibility = sketch.tool === "paint" ? "" : "hidden";
  }
}
for (const button of all("button[data-tool]")) {
  button.onclick = () => {
    sketch.tool = button.dataset.tool;
    drawTools();
  };
}
rove(part(".brush [role=radiogroup]"), "button[data-tool]");

function putBrush() {
  example = -1;
  sketch.stroke = null;
  part(".brush").hidden = !spatial();
  cells.style.display = spatial() ? "" : "none";
  part("button[data-tool=resample]").textContent = moving() ? "another moment" : "new detail";
  part("button[data-tool=copy]").textContent = moving() ? "stop it" : "stamp an example";
  drawTools();
}
