// Methods that learn side by side, a column each: what was learnt before, until there is a comparison
// of the visitor's; then that. Triggers "take" with the value {wanted}, a method to be taken home.
// props.methods: what there is to say of each; props.welcome: [{kind, label, columns}].

/** @typedef {{ kind: string, columns: Column[], live: boolean }} Sight */

/** @type {Before[]} */
const welcome = props.welcome;
let before = welcome[0]?.kind ?? "";
/** @type {Sight} */
let sight = null; // what is shown; a run that just begins leaves it for a moment

/** @type {(name: string) => void} */
function takeHome(name) {
  props.value = { wanted: name };
  trigger("take");
}

/** @type {() => Sight} */
function look() {
  const run = liveRun();
  if (run?.columns?.length) return { kind: run.stage.kind, columns: run.columns, live: true };
  if (run && sight) return sight;
  const kept = welcome.find((each) => each.kind === before);
  return { kind: before, columns: kept ? kept.columns : [], live: false };
}

function draw() {
  sight = look();
  const box = part(".columns");
  const names = sight.columns.map((each) => each.name);
  const there = all(":scope > .method", box).map((each) => each.dataset.name);
  if (names.join() !== there.join()) {
    box.replaceChildren(...names.map(newColumn));
    all(".data", box).forEach(shapeAll);
  }
  box.dataset.kind = sight.kind;
  all(":scope > .method", box).forEach((column, i) => {
    showColumn(column, sight.columns[i], sight.live);
  });
  drawTable(sight.columns);
  part(".kinds").hidden = sight.live || welcome.length < 2;
  all(".kinds button").forEach((button) => {
    choose(button, button.dataset.kind === before);
  });
}

// The pictures of all have the shape of the data's.
/** @type {(picture: Part, name: string) => void} */
function shapeAs(picture, name) {
  const { naturalWidth, naturalHeight } = picture;
  if (naturalWidth > 1) element.style.setProperty(name, `${naturalWidth} / ${naturalHeight}`);
}
/** @type {(column: Part) => void} */
function shapeAll(column) {
  for (const slot of ["new", "rebuilt"]) {
    const picture = part(`.${slot} img`, column);
    picture.onload = () => shapeAs(picture, `--${slot}`);
  }
}

/** @type {(each: Before) => Part} */
function kindOf({ kind, label }) {
  const button = make("button", { type: "button", textContent: label });
  button.dataset.kind = kind;
  button.setAttribute("role", "radio");
  button.onclick = () => {
    before = kind;
    draw();
  };
  return button;
}
part(".kinds").append(...welcome.map(kindOf));
rove(part(".kinds"), "[role=radio]");
keepDrawn(draw);
document.addEventListener("abp-live", draw);
draw();
