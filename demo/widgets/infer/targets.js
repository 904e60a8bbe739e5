// What is to be inferred: a training example, a thing of the pack, or what the visitor brought.

const BROUGHT = "\u0000"; // among the names of things, none of which is this

/** @type {(i: number) => void} */
function chooseExample(i) {
  target = { example: i };
  drawTargets();
}

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
    ["", "a training example"],
    ...model.items.map((item) => [item.name, item.label]),
    ...(brought ? [[BROUGHT, brought]] : []),
  ];
  part(".item").replaceChildren(
    ...options.map(([name, label]) => make("option", { value: name, textContent: label })),
  );
  if (brought && brought !== target.name) target = { brought: true, name: brought };
  drawTargets();
}

part(".item").onchange = () => {
  const name = part(".item").value;
  if (name === BROUGHT) target = { brought: true };
  else target = name ? { item: name } : { example: 0 };
  // Training stands nowhere yet with what it has not seen.
  const start = field("start");
  if (target.example === undefined && start.value === "training") start.value = "prior";
  drawTargets();
};
rove(part(".examples"), "button");
