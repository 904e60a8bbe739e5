// A walk through the latents of one example, step by step.
// value {token, model: what describes it, brought: name of a file, refusal, take: what of the walk
// goes home, bounds: how much is possible at once}.

function putModel() {
  const { kind, own } = model;
  const set = kind === "objects";
  walk = null;
  steps = [];
  told = {};
  target = { example: 0 };
  pause();
  refuse("");
  forgetPictures();
  for (const picture of [".observed", ".made", ".residual"]) part(picture).removeAttribute("src");
  part(".numbers").replaceChildren();
  part(".map").hidden = true;
  part(".land-figure").hidden = !set;
  part("audio").style.display = kind === "sound" ? "" : "none";
  part(".chain-box").hidden = true;
  part(".step").textContent = "no walk yet";
  for (const button of all(".transport button, .last button")) button.disabled = true;
  // A map of latents is long to find from nothing, and its steps cost ten times as much.
  putChains();
  field("steps").value = set ? "100" : "80";
  field("chains").value = set ? "4" : "2";
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
  putItems(value.brought);
  // Something moves before the first click, unless that is not wanted.
  if (fresh && model.examples && !calm.matches && element.offsetParent) begin(false);
}
keepDrawn(() => {
  if (!walk) return;
  drawEnergy();
  drawPath();
});
watch("value", draw);
draw();
