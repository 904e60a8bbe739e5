// One iteration in slow motion, part by part.

/** What is drawn of a part, see demo/workbench/slow.py.
 * @typedef {{ title: string, picture: string, number?: number, before?: number, after?: number,
 *   bars?: { map?: string, values?: number[] } }} SlowPart */
/** What is said of a part. found: what was found of it in this step.
 * @typedef {{ sentence: string, found?: (now: SlowPart) => string, formula: string,
 *   paper: string }} Words */

/** @type {{ [title: string]: Words }} */
const PARTS = {
  Noise: {
    sentence:
      "Fresh noise gives the code a kick in a random direction, so that the chain explores all that fits instead of settling at one answer.",
    formula: "s · ε,   ε ~ N(0, I)",
    paper: "Inferential back-propagation: the noise of the Langevin step.",
  },
  "f(z)": {
    sentence: "The network turns the code into a picture or a sound.",
    formula: "x̂ = f(z; W)",
    paper: "Inferential back-propagation: forward, from the code to the signal.",
  },
  Misfit: {
    sentence:
      "What the signal has and f(z) has not. Its squares over 2σ² are the misfit, what the code still has to explain.",
    found: (now) => `It stands at ${short(now.number)}.`,
    formula: "|y − f(z; W)|² / (2σ²)",
    paper: "Inferential back-propagation: the residual.",
  },
  Gradient: {
    sentence:
      "Back-propagation carries the residual through the network to the code, not to the weights; the prior pulls towards 0. This is the drift of the move.",
    found: (now) => `The gradient's length is ${short(now.number)}.`,
    formula: "− (s² / 2) ∂U/∂z,   U = misfit + |z|² / 2",
    paper: "Inferential back-propagation: z ← z − (s²/2) ∂U/∂z + s ε, l times.",
  },
  Learning: {
    sentence:
      "Then the codes are held still, and the same misfit goes back to the weights: one step down, here for this example alone and so long that a hundredth of the misfit should go. The picture shows what it changes in f(z), ten times enlarged.",
    found: (now) =>
      `The weights move by ${short(100 * now.number)} % of their size; the misfit goes from ${short(now.before)} to ${short(now.after)}.`,
    formula: "W ← W − γ ∂/∂W |y − f(z; W)|² / (2σ²)",
    paper: "Learning back-propagation: training takes it over a whole batch, with Adam.",
  },
};

/** @type {SlowPart[]} */
let slowParts = [];
let slowAt = 0;

function forgetSlow() {
  slowParts = [];
  part(".slowly").hidden = true;
}

async function slowDown() {
  if (!walk) return;
  pause();
  say("Working it out …");
  const answer = await ask("slowly", { walk: walk.walk, step: cursor, chain });
  say("");
  if (refuse(answer.refusal)) return;
  slowParts = answer.parts;
  slowAt = 0;
  part(".slowly").hidden = false;
  drawSlow();
}
part(".slow").onclick = slowDown;
part(".earlier").onclick = () => {
  slowAt = Math.max(0, slowAt - 1);
  drawSlow();
};
part(".later").onclick = async () => {
  if (slowAt + 1 < slowParts.length) {
    slowAt += 1;
    drawSlow();
    return;
  }
  await goTo(cursor + 1);
  slowDown();
};

function drawSlow() {
  const now = slowParts[slowAt];
  if (!now) return;
  const { sentence, found, formula, paper } = PARTS[now.title];
  part(".count").textContent = `Part ${slowAt + 1} of ${slowParts.length}, step ${cursor}`;
  part(".later").textContent = slowAt + 1 < slowParts.length ? "Next" : "Next step";
  part(".earlier").disabled = !slowAt;
  part(".words h3").textContent = now.title;
  part(".sentence").textContent = found ? `${sentence} ${found(now)}` : sentence;
  part(".words code").textContent = formula;
  part(".paper").textContent = paper;
  part(".part > img").src = now.picture;
  part(".part > img").alt = now.title;
  const { map, values } = now.bars || {};
  part(".slow-map").hidden = !map;
  if (map) part(".slow-map").src = map;
  part(".bars canvas").style.display = values ? "" : "none";
  if (values) drawBars(now.title, values);
}

// The entries of a vector, up and down from the middle.
/** @type {(title: string, values: number[]) => void} */
function drawBars(title, values) {
  const { pen, width, height } = sheetOf(part(".bars canvas"));
  const most = Math.max(...values.map(Math.abs), 1e-9);
  const each = width / values.length;
  pen.fillStyle = colour(title === "Gradient" ? "--abp-learn" : "--abp-infer");
  values.forEach((value, k) => {
    const size = (value / most) * (height / 2 - 14);
    pen.fillRect((k + 0.15) * each, height / 2 - Math.max(size, 0), each * 0.7, Math.abs(size));
  });
  pen.fillStyle = colour("--abp-soft");
  pen.fillText(`largest ${short(most)}`, 4, 11);
  const label = `${title}: ${values.map(short).join(", ")}`;
  part(".bars canvas").setAttribute("aria-label", label);
}
