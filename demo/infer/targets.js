// What is to be inferred: a training example, a thing of the pack, or what the visitor brought.

const BROUGHT = "\u0000"; // among the names of things, none of which is this

const SETTLED = 250; // milliseconds after which a choice counts, on the way along a row of them

let choosing = 0; // the timer of a choice

// Another target: the walk of the one before goes, and one of this begins.
/** @type {(chosen: typeof target) => void} */
function chooseTarget(chosen) {
  target = chosen;
  // Training stands nowhere yet with what it has not seen.
  const start = field("start");
  if (target.example === undefined && start.value === "training") start.value = "prior";
  forgetWalk();
  state({ example: target.example === undefined ? null : String(target.example + 1) });
  drawTargets();
  clearTimeout(choosing);
  choosing = setTimeout(() => {
    due = true;
    beginIfSeen();
  }, SETTLED);
}
/** @type {(i: number) => void} */
const chooseExample = (i) => chooseTarget({ example: i });

// The example that the address names, from 1 on; the first where it names none of this model, with a
// sentence to be said.
/** @type {() => [example: number, sentence: string]} */
function exampleOfAddress() {
  const text = stated("example");
  if (!text || !model.examples) return [0, ""];
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= model.examples) return [Number(text) - 1, ""];
  state({ example: null });
  return [0, "The address names a training example that is not here; this is the first."];
}
addEventListener("popstate", () => {
  if (stated("model") !== model?.key) return; // another model is on its way
  const [example] = exampleOfAddress();
  if (target.example !== example) chooseTarget({ example });
});

function drawTargets() {
  const other = target.example === undefined;
  all(".examples button").forEach((button, i) => {
    choose(button, target.example === i);
    if (other && i === 0) button.tabIndex = 0;
  });
  part(".item").value = target.item || (target.brought ? BROUGHT : "");
}

/** @type {(brought: string) => void} */
function putItems(brought) {
  const options = [
    ["", model.kind === "film" ? "frames of the film" : "a training example"],
    ...model.items.map((item) => [item.name, item.label]),
    ...(brought ? [[BROUGHT, brought]] : []),
  ];
  part(".item").replaceChildren(
    ...options.map(([name, label]) => make("option", { value: name, textContent: label })),
  );
  if (brought && brought !== target.name) chooseTarget({ brought: true, name: brought });
  else drawTargets();
}

part(".item").onchange = () => {
  const name = part(".item").value;
  if (name === BROUGHT) chooseTarget({ brought: true, name: props.value.brought });
  else chooseTarget(name ? { item: name } : { example: 0 });
};
rove(part(".examples"), "button");
