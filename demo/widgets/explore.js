// The latents of the current model under the hand.
// value {token, model: what describes it, point: where to begin or null, refusal: a sentence}.
// A point is all there is to a picture. Of a vector latent: {z}. Of a latent map: {seed, x, y,
// example, moves, edits}. server.look(request) makes it; the newest request wins.
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const exact = (x) => Math.round(x * 1e4) / 1e4;
const RANGE = 3; // deviations to each side of a slider
const FARTHEST = 12,
  PLANE = 500,
  EDITS = 40; // what a point may hold; the server has the same bounds

let model = null; // the description of the current one
let point = null;
let shown = null; // the last answer
let past = [],
  future = [];
let locks = [];
let kept = [];
let sketch = { tool: "resample", cursor: [0, 0], stroke: null };
let example = -1; // that copies are taken from
let busy = false,
  wanted = null;
let complaint = "";

let token = ""; // the visitor's; a refusal comes without it
const ask = (name, what) => server[name]({ token, key: model.key, ...what });
function say(sentence) {
  part(".spoken").textContent = sentence;
}
function refuse(sentence) {
  part(".refusal").textContent = sentence || "";
  part(".refusal").hidden = !sentence;
}

// ---- asking for pictures -------------------------------------------------------------------
async function pump() {
  if (busy) return;
  busy = true;
  while (wanted) {
    const request = wanted,
      asked = model;
    wanted = null;
    const mark = performance.now();
    let answer;
    try {
      answer = await ask("look", { point: request.point });
    } catch {
      answer = { refusal: "The studio did not answer; please try again." };
    }
    if (asked !== model) continue;
    if (answer.refusal) {
      refuse(answer.refusal);
      continue;
    }
    refuse(complaint); // of a link that was damaged, until the next change
    complaint = "";
    if (answer.z && !wanted) point = { ...request.point, z: answer.z, moves: [] };
    shown = answer;
    show(performance.now() - mark);
  }
  busy = false;
}
function go(next, { remember = true, steer = true } = {}) {
  if (remember && point) {
    past.push(point);
    past = past.slice(-100);
    future = [];
  }
  point = next;
  wanted = { point };
  if (steer) steerers();
  pump();
}
function show(milliseconds) {
  const picture = part(".picture");
  picture.src = shown.picture;
  picture.alt = `${model.label}: what the model makes of this point`;
  element.dataset.shown = (Number(element.dataset.shown) || 0) + 1;
  if (shown.map) part(".map img").src = shown.map;
  const audio = part(".look audio");
  audio.style.display = shown.sound ? "" : "none";
  if (shown.sound) {
    const playing = !audio.paused,
      at = audio.currentTime;
    audio.src = shown.sound;
    if (playing) {
      audio.currentTime = at;
      audio.play().catch(() => {});
    }
  }
  part(".pace").textContent = `${Math.round(milliseconds)} ms`;
  steerers();
  try {
    sessionStorage.setItem("abp-point-" + model.key, JSON.stringify(point));
  } catch {
    /* private */
  }
}

// ---- coordinates ---------------------------------------------------------------------------
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const spatial = () => model.view.length > 0;
const padded = (moves) => Array.from({ length: model.numbers }, (_, k) => moves[k] ?? 0);
// Along direction k, in deviations.
function coordinate(k) {
  if (spatial()) return point.moves[k] ?? 0;
  return point.z
    ? dot(
        model.inverse[k],
        point.z.map((z, i) => z - model.mean[i]),
      )
    : 0;
}
function along(k, t) {
  if (spatial()) {
    const moves = padded(point.moves);
    moves[k] = exact(t);
    return { ...point, moves };
  }
  const step = t - coordinate(k);
  return { ...point, z: point.z.map((z, i) => exact(z + step * model.axes[k][i])) };
}
// Raw entries: of the vector, or of what is added to every position of a map.
function raw(i) {
  if (!spatial()) return point.z ? point.z[i] : 0;
  return padded(point.moves).reduce((sum, t, k) => sum + t * model.axes[k][i], 0);
}
function withRaw(i, value) {
  if (!spatial()) return { ...point, z: point.z.map((z, j) => (j === i ? exact(value) : z)) };
  const change = value - raw(i);
  return {
    ...point,
    moves: padded(point.moves).map((t, k) => exact(t + change * model.inverse[k][i])),
  };
}
const fresh = (fields) =>
  spatial()
    ? {
        seed: 0,
        x: 0,
        y: 0,
        example: -1,
        moves: locks.map((on, k) => (on ? coordinate(k) : 0)),
        edits: [],
        ...fields,
      }
    : {
        seed: 0,
        x: 0,
        y: 0,
        example: -1,
        moves: locks.map((on, k) => (on ? exact(coordinate(k)) : null)),
        ...fields,
      };

// ---- orders --------------------------------------------------------------------------------
part(".randomise").onclick = () => go(fresh({ seed: Math.floor(Math.random() * 1e6) }));
part(".reset").onclick = () => {
  locks = locks.map(() => false);
  go(home());
};
part(".undo").onclick = () => {
  if (past.length) {
    future.push(point);
    const to = past.pop();
    go(to, { remember: false });
  }
};
part(".redo").onclick = () => {
  if (future.length) {
    past.push(point);
    const to = future.pop();
    go(to, { remember: false });
  }
};
part(".seed").onchange = (event) => {
  const text = event.target.value.trim();
  if (!/^\d{1,15}$/.test(text))
    return refuse("Please type a whole number from 0 to 999999999999999 as the seed.");
  go(fresh({ seed: Number(text) }));
};
const home = () => ({ ...fresh(flat() ? { example: 0 } : {}), moves: [] });

// ---- sliders -------------------------------------------------------------------------------
function slider(bank, label, read, write, extras = []) {
  const input = make("input", { type: "range", min: -RANGE, max: RANGE, step: 0.05 });
  input.setAttribute("aria-label", label);
  const output = make("output");
  let before = null;
  input.oninput = () => {
    if (!before) {
      before = point;
      past.push(point);
      past = past.slice(-100);
      future = [];
    }
    go(write(Number(input.value)), { remember: false, steer: false });
    output.textContent = Number(input.value).toFixed(2);
  };
  input.onchange = () => {
    before = null;
  };
  const row = make("div", { className: extras.length ? "slider" : "slider plain" });
  if (extras.length) row.append(...extras.slice(0, 2), input, extras[2], output, extras[3]);
  else row.append(make("span", { textContent: label.replace("Coordinate ", "z") }), input, output);
  row.refresh = () => {
    const value = read();
    if (document.activeElement !== input || !before) input.value = clamp(value, -RANGE, RANGE);
    output.textContent = value.toFixed(2);
  };
  bank.append(row);
}
function banks() {
  const [bank, rawBank] = all(".bank");
  bank.replaceChildren();
  rawBank.replaceChildren();
  for (let k = 0; k < model.sliders; k++) {
    const label = `Direction ${k + 1}, moves the output by ${model.moves[k]}`;
    const end = (side) => {
      const box = make("div", {
        className: "end",
        title: `Direction ${k + 1} at ${side ? "2" : "-2"} deviations`,
      });
      box.dataset.place = `${side},${k}`;
      return box;
    };
    const moves = make("small", {
      textContent: model.moves[k],
      title: "How far the output moves from -1 to 1",
    });
    const lock = make("button", {
      type: "button",
      textContent: "Lock",
      title: "Keep this when randomising",
    });
    lock.setAttribute("aria-label", `Lock direction ${k + 1}`);
    lock.setAttribute("aria-pressed", "false");
    lock.onclick = () => {
      locks[k] = !locks[k];
      steerers();
    };
    lock.className = "lock";
    slider(
      bank,
      label,
      () => coordinate(k),
      (t) => along(k, t),
      [moves, end(0), end(1), lock],
    );
  }
  for (let i = 0; i < model.numbers; i++) {
    slider(
      rawBank,
      `Coordinate ${i + 1}`,
      () => raw(i),
      (value) => withRaw(i, value),
    );
  }
  all(".direction option").forEach((option) => option.remove());
  for (let k = 0; k < model.sliders; k++)
    part(".direction").append(make("option", { value: k, textContent: k + 1 }));
}
function steerers() {
  if (!point) return;
  for (const row of all(".slider")) row.refresh();
  all(".lock").forEach((lock, k) => {
    lock.setAttribute("aria-pressed", Boolean(locks[k]));
  });
  if (document.activeElement !== part(".seed")) part(".seed").value = point.seed ?? "";
  part(".undo").disabled = !past.length;
  part(".redo").disabled = !future.length;
  all(".examples button").forEach((button, i) =>
    button.setAttribute("aria-pressed", i === example),
  );
  drawPad();
  drawCells();
}

// ---- the plane -----------------------------------------------------------------------------
const pad = part(".pad"),
  padCanvas = part(".pad canvas");
const flat = () => !spatial() && model.numbers === 2;
const SPAN = 1.6; // seeds that are seen from the middle of the pad upwards
function drawPad() {
  const width = pad.clientWidth,
    height = pad.clientHeight,
    scale = window.devicePixelRatio || 1;
  if (!width || !model || !point) return;
  padCanvas.width = width * scale;
  padCanvas.height = height * scale;
  const pen = padCanvas.getContext("2d");
  pen.scale(scale, scale);
  const ring = (x, y) => {
    for (const [hue, thick] of [
      ["#fff", 5],
      ["#4338ca", 2.5],
    ]) {
      pen.beginPath();
      pen.arc(x, y, 9, 0, 2 * Math.PI);
      pen.strokeStyle = hue;
      pen.lineWidth = thick;
      pen.stroke();
    }
  };
  if (flat()) {
    const [a, b] = point.z ?? [0, 0];
    return ring(((a / model.farthest + 1) / 2) * width, ((1 - b / model.farthest) / 2) * height);
  }
  const unit = height / 2 / SPAN,
    x0 = point.x ?? 0,
    y0 = point.y ?? 0;
  pen.fillStyle = colour("--abp-soft");
  pen.strokeStyle = colour("--abp-line");
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "center";
  const reach = Math.ceil(width / 2 / unit) + 1;
  for (let i = Math.floor(x0) - reach; i <= x0 + reach; i++) {
    for (let j = Math.floor(y0) - 2; j <= y0 + 3; j++) {
      const x = width / 2 + (i - x0) * unit,
        y = height / 2 + (j - y0) * unit;
      pen.strokeRect(x, y, unit, unit);
      pen.beginPath();
      pen.arc(x, y, 3, 0, 2 * Math.PI);
      pen.fill();
      const seed = (point.seed ?? 0) + i + 1000 * j;
      if (seed >= 0) pen.fillText(seed, x, y + 22);
    }
  }
  ring(width / 2, height / 2);
}
let drag = null;
const snap = (x) =>
  Math.abs(x - Math.round(x)) < 0.06 ? Math.round(x) : Math.round(x * 1000) / 1000;
function padTo(x, y, remember) {
  if (flat()) {
    go({ z: [exact(clamp(x, -3, 3)), exact(clamp(y, -3, 3))] }, { remember });
  } else {
    const next = {
      seed: point.seed ?? 0,
      x: clamp(x, -400, 400),
      y: clamp(y, -400, 400),
      example: -1,
    };
    go(spatial() ? { ...point, ...next } : { ...fresh(next) }, { remember });
  }
}
pad.onpointerdown = (event) => {
  if (!point) return;
  pad.setPointerCapture(event.pointerId);
  drag = { x: event.clientX, y: event.clientY, from: [point.x ?? 0, point.y ?? 0], first: true };
  if (flat()) pad.onpointermove(event);
};
pad.onpointermove = (event) => {
  if (!drag) return;
  const box = pad.getBoundingClientRect();
  if (flat()) {
    const x = ((2 * (event.clientX - box.left)) / box.width - 1) * model.farthest;
    const y = (1 - (2 * (event.clientY - box.top)) / box.height) * model.farthest;
    padTo(x, y, drag.first);
  } else {
    const unit = box.height / 2 / SPAN;
    padTo(
      snap(drag.from[0] - (event.clientX - drag.x) / unit),
      snap(drag.from[1] - (event.clientY - drag.y) / unit),
      drag.first,
    );
  }
  drag.first = false;
};
pad.onpointerup = pad.onpointercancel = () => {
  drag = null;
};
pad.onkeydown = (event) => {
  const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[
    event.key
  ];
  if (!step || !point) return;
  event.preventDefault();
  const pace = event.shiftKey ? 1 : 0.1;
  const [x, y] = flat() ? point.z : [point.x ?? 0, point.y ?? 0];
  padTo(exact(x + pace * step[0]), exact(y + (flat() ? 1 : -1) * pace * step[1]), true);
};

// ---- the latent map ------------------------------------------------------------------------
const cells = part(".cells");
const grid = () => (model.view.length === 1 ? [1, model.view[0]] : model.view);
function brushed([row, column]) {
  const [rows, columns] = grid(),
    width = Number(part(".width").value);
  const low = Math.floor((width - 1) / 2),
    found = new Set();
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      const r = rows === 1 ? 0 : row - low + i,
        c = column - low + j;
      if (r >= 0 && r < rows && c >= 0 && c < columns) found.add(r * columns + c);
    }
  }
  return found;
}
function drawCells() {
  const width = cells.clientWidth,
    height = cells.clientHeight;
  if (!width || !model) return;
  cells.width = width;
  cells.height = height;
  if (!spatial()) return;
  const pen = cells.getContext("2d"),
    [rows, columns] = grid();
  const tint = (chosen, fill) => {
    pen.fillStyle = fill;
    for (const cell of chosen) {
      const r = Math.floor(cell / columns),
        c = cell % columns;
      pen.fillRect((c * width) / columns, (r * height) / rows, width / columns, height / rows);
    }
  };
  if (sketch.stroke) tint(sketch.stroke, "#6366f180");
  else if (sketch.over || document.activeElement === cells)
    tint(brushed(sketch.cursor), "#ffffff55");
}
function cellAt(event) {
  const box = cells.getBoundingClientRect(),
    [rows, columns] = grid();
  return [
    clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), 0, rows - 1),
    clamp(Math.floor(((event.clientX - box.left) / box.width) * columns), 0, columns - 1),
  ];
}
function apply(chosen) {
  const bits = [...chosen].reduce((sum, cell) => sum | (1n << BigInt(cell)), 0n).toString(16);
  const edit = { what: sketch.tool, cells: bits };
  if (edit.what === "resample") edit.number = Math.floor(Math.random() * 1e6);
  if (edit.what === "copy") {
    if (example < 0) return refuse("Please choose a training example to copy from.");
    edit.number = example;
  }
  if (edit.what === "paint") {
    edit.number = Number(part(".direction").value);
    edit.amount = Number(part(".amount").value);
  }
  go({ ...point, edits: [...(point.edits ?? []), edit] });
}
cells.onpointerdown = (event) => {
  if (!spatial() || !point) return;
  cells.setPointerCapture(event.pointerId);
  sketch.stroke = brushed(cellAt(event));
  drawCells();
};
cells.onpointermove = (event) => {
  if (!model || !spatial()) return;
  sketch.over = true;
  sketch.cursor = cellAt(event);
  if (sketch.stroke) for (const cell of brushed(sketch.cursor)) sketch.stroke.add(cell);
  drawCells();
};
cells.onpointerup = () => {
  const chosen = sketch.stroke;
  sketch.stroke = null;
  if (chosen) apply(chosen);
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
  const [rows, columns] = grid();
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[
    event.key
  ];
  if (step) {
    sketch.cursor = [
      clamp(sketch.cursor[0] + step[0], 0, rows - 1),
      clamp(sketch.cursor[1] + step[1], 0, columns - 1),
    ];
  } else if (event.key === " " || event.key === "Enter") apply(brushed(sketch.cursor));
  else return;
  event.preventDefault();
  drawCells();
};
function tools() {
  for (const button of all("[data-tool]")) {
    const on = button.dataset.tool === sketch.tool;
    button.setAttribute("aria-checked", on);
    button.tabIndex = on ? 0 : -1;
  }
  for (const box of all(".only-paint"))
    box.style.visibility = sketch.tool === "paint" ? "" : "hidden";
}
for (const button of all("[data-tool]")) {
  button.onclick = () => {
    sketch.tool = button.dataset.tool;
    tools();
  };
  button.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const every = all("[data-tool]");
    const next = every[(every.indexOf(button) + step + every.length) % every.length];
    next.focus();
    next.click();
  };
}

// ---- examples, points that are kept, links ---------------------------------------------------
function exampleButtons() {
  part(".examples").replaceChildren(
    ...Array.from({ length: model.examples }, (_, i) => {
      const button = make("button", { type: "button", title: `Training example ${i + 1}` });
      button.setAttribute("aria-label", `Training example ${i + 1}`);
      button.setAttribute("aria-pressed", "false");
      button.onclick = () => {
        example = i;
        if (spatial() && sketch.tool === "copy") return steerers();
        go(fresh({ example: i, seed: point.seed ?? 0 }));
      };
      return button;
    }),
  );
}
async function sprites() {
  const asked = model;
  const load = async (what) => {
    try {
      return (await ask("sprite", { what })).picture || "";
    } catch {
      return "";
    }
  };
  if (flat()) {
    const plane = await load("plane");
    if (asked === model) part(".pad img").src = plane;
  }
  const ends = await load("ends");
  if (asked !== model) return;
  for (const box of all(".end")) {
    const [side, k] = box.dataset.place.split(",").map(Number);
    box.style.backgroundImage = `url(${ends})`;
    box.style.backgroundSize = `200% ${100 * model.sliders}%`;
    box.style.backgroundPosition = `${100 * side}% ${model.sliders > 1 ? (100 * k) / (model.sliders - 1) : 0}%`;
  }
  const examples = await load("examples");
  if (asked !== model) return;
  all(".examples button").forEach((button, i) => {
    button.style.backgroundImage = `url(${examples})`;
    button.style.backgroundSize = `${100 * model.examples}% 100%`;
    button.style.backgroundPosition = `${model.examples > 1 ? (100 * i) / (model.examples - 1) : 0}% 0`;
  });
}
function drawKept() {
  part(".kept").replaceChildren(
    ...kept.map((each, i) => {
      const drop = make("button", { type: "button", textContent: "×" });
      drop.setAttribute("aria-label", `Let point ${i + 1} go`);
      drop.onclick = () => {
        kept.splice(i, 1);
        drawKept();
      };
      const box = make("span", {}, make("img", { src: each.picture, alt: `Point ${i + 1}` }), drop);
      box.setAttribute("role", "listitem");
      return box;
    }),
  );
  for (const button of all("button[data-what]")) {
    button.disabled = kept.length < (button.dataset.what === "panel" ? 4 : 2);
    button.hidden = model && model.kind === "sound" && button.dataset.what !== "strip";
    if (button.dataset.what === "strip")
      button.textContent = model && model.kind === "sound" ? "Sound from one to the next" : "Strip";
  }
  part(".keep").disabled = kept.length >= 4;
}
part(".keep").onclick = () => {
  if (!shown) return;
  kept.push({ point, picture: shown.picture });
  drawKept();
  say(
    kept.length < 2
      ? "One point is kept; keep another one to go from one to the next."
      : `${kept.length} points are kept.`,
  );
};
for (const button of all("button[data-what]")) {
  button.onclick = async () => {
    const asked = model;
    say("Making it …");
    all("button[data-what]").forEach((each) => {
      each.disabled = true;
    });
    let answer;
    try {
      answer = await ask("journey", {
        what: button.dataset.what,
        points: kept.map((each) => each.point),
      });
    } catch {
      answer = { refusal: "The studio did not answer; please try again." };
    }
    if (asked !== model) return;
    drawKept();
    if (answer.refusal) return say(answer.refusal);
    say("");
    part(".way").hidden = false;
    part(".way").dataset.what = button.dataset.what;
    part(".way img").src = answer.picture;
    const audio = part(".way audio"),
      file = part(".way a");
    audio.style.display = answer.sound ? "" : "none";
    if (answer.sound) audio.src = answer.sound;
    file.href = answer.file;
    file.download = answer.name;
  };
}
const packed = (what) =>
  btoa(JSON.stringify(what)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
function unpacked(text) {
  try {
    return JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return null;
  }
}
// What claims to be a point: itself if it is a whole one of this model, else null. Nothing that
// lacks is made up, because the sender saw something else.
function whole(sent) {
  const number = (x, low, high) => typeof x === "number" && x >= low && x <= high;
  const integer = (x, low, high) => Number.isInteger(x) && number(x, low, high);
  const list = (x, most, fits) => Array.isArray(x) && x.length <= most && x.every(fits);
  const far = (x) => number(x, -FARTHEST, FARTHEST);
  const cell = (text) =>
    typeof text === "string" &&
    /^[0-9a-f]{1,128}$/.test(text) &&
    BigInt(`0x${text}`) >> BigInt(grid()[0] * grid()[1]) === 0n;
  const edit = (x) =>
    x &&
    cell(x.cells) &&
    ((x.what === "resample" && integer(x.number, 0, Number.MAX_SAFE_INTEGER)) ||
      (x.what === "copy" && integer(x.number, 0, model.examples - 1)) ||
      (x.what === "paint" && integer(x.number, 0, model.numbers - 1) && far(x.amount)));
  const parts = {
    seed: (x) => integer(x, 0, Number.MAX_SAFE_INTEGER),
    x: (x) => number(x, -PLANE, PLANE),
    y: (y) => number(y, -PLANE, PLANE),
    example: (x) => integer(x, -1, model.examples - 1),
    moves: (x) => list(x, model.numbers, (t) => far(t) || (t === null && !spatial())),
    ...(spatial()
      ? { edits: (x) => list(x, EDITS, edit), z: () => false }
      : {
          edits: () => false,
          z: (z) => list(z, model.numbers, far) && z.length === model.numbers,
        }),
  };
  if (!sent || typeof sent !== "object") return null;
  const needed = ["seed", "x", "y", "example", "moves", ...(spatial() ? ["edits"] : [])];
  const complete = (sent.z ? ["z"] : needed).every((name) => name in sent);
  const fits = Object.entries(parts).every(([name, part]) => !(name in sent) || part(sent[name]));
  return complete && fits ? sent : null;
}
part(".link").onclick = async () => {
  const url = `${location.origin}${location.pathname}?model=${encodeURIComponent(model.name)}&point=${packed(point)}`;
  const address = part(".address");
  address.hidden = false;
  address.value = url;
  try {
    await navigator.clipboard.writeText(url);
    say("The link is copied.");
  } catch {
    address.focus();
    address.select();
    say("Copy the link that is marked.");
  }
};

// ---- another model -------------------------------------------------------------------------
function draw() {
  const value = props.value || {};
  token = value.token || token;
  if (value.refusal) return refuse(value.refusal);
  if (!value.model || (model && model.key === value.model.key)) return;
  model = value.model;
  past = [];
  future = [];
  kept = [];
  shown = null;
  wanted = null;
  example = -1;
  locks = Array(model.sliders).fill(false);
  sketch.stroke = null;
  part(".look").dataset.kind = model.kind;
  part(".steer").dataset.pad = flat() ? "plane" : "seeds";
  part(".brush").hidden = !spatial();
  part(".cells").style.display = spatial() ? "" : "none";
  part(".way").hidden = true;
  part(".address").hidden = true;
  part(".link").hidden = !model.shared;
  part(".pad img").style.display = flat() ? "" : "none";
  part(".pad img").src = "";
  part(".pad-figure figcaption").textContent = flat()
    ? "All that this model can make: click or drag anywhere"
    : "The plane of seeds: drag it; between four seeds they mix, every dot is a sample of its own";
  pad.setAttribute(
    "aria-label",
    flat()
      ? "Plane of both latents; the arrow keys move"
      : "Plane of seeds; the arrow keys move, with Shift from seed to seed",
  );
  say("");
  banks();
  tools();
  exampleButtons();
  drawKept();
  let begin = null;
  if (value.point) {
    begin = whole(unpacked(value.point));
    if (!begin) complaint = "The link is damaged; here is the model from the beginning.";
  } else
    try {
      begin = whole(JSON.parse(sessionStorage.getItem("abp-point-" + model.key)));
    } catch {
      /* none */
    }
  point = null;
  go(begin || home());
  sprites();
}
new ResizeObserver(() => {
  drawPad();
  drawCells();
}).observe(element);
new MutationObserver(drawPad).observe(document.body, {
  attributes: true,
  attributeFilter: ["class"],
});
watch("value", draw);
draw();
