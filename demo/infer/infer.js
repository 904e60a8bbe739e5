// A walk through the latents of one example, step by step.
// value {token, model: what describes it, brought: name of a file, refusal, take: what of the walk
// goes home, bounds: how much is possible at once}.

let due = false; // whether a walk is to begin by itself

function putModel() {
  const { kind, own } = model;
  const set = kind === "objects";
  target = { example: 0 };
  forgetWalk();
  part(".land-figure").hidden = !set && kind !== "film";
  part("audio").style.display = kind === "sound" ? "" : "none";
  part(".frames-box").hidden = kind !== "film";
  part(".replay").hidden = model.driven;
  // A map of latents is long to find from nothing, and its steps cost ten times as much.
  putChains();
  field("steps").value = { objects: "100", film: "60" }[kind] || "80";
  // Two numbers fall into wrong valleys most easily, and walk fastest.
  field("chains").value = own.flat ? String(bounds.chains) : set ? "4" : "2";
  field("start").value = "prior";
  field("step_size").placeholder = short(own.step_size);
  field("sigma").placeholder = short(own.sigma);
  field("temperature").value = short(own.temperature);
  part(".hiding option[value=lines]").hidden = kind === "sound";
  putExamples({ role: "radio" }, chooseExample);
  paintExamples(model.sheet);
}

// One chain, two, four and so on.
function putChains() {
  field("chains").replaceChildren();
  for (let chains = 1; chains <= bounds.chains; chains *= 2) {
    field("chains").append(make("option", { textContent: chains }));
  }
}

function draw() {
  const value = props.value || {};
  takeIn(value);
  if (value.refusal) refuse(value.refusal);
  if (!value.model) return;
  const fresh = model?.key !== value.model.key;
  if (fresh) {
    model = value.model;
    putModel();
  }
  const [example, sentence] = fresh ? exampleOfAddress() : [0, ""];
  if (fresh) target = { example };
  putItems(value.brought);
  if (!fresh) return;
  refuse(value.refusal);
  due = model.examples > 0;
  beginIfSeen().then(() => sentence && say(sentence));
}

// Something moves before the first click, as soon as the tab is seen; where that is not wanted, it
// stands at its start.
async function beginIfSeen() {
  if (!due || !element.offsetParent) return;
  due = false;
  await begin(false, !calm.matches);
}
keepDrawn(() => {
  beginIfSeen();
  if (!walk) return;
  drawEnergy();
  drawPath();
  drawSlow();
});
watch("value", draw);
draw();
