// One iteration in slow motion, part by part.

/** What is drawn of a part, see slow_motion.py.
 * @typedef {{ title: string, picture?: string, number?: number, before?: number, after?: number,
 *   bars?: Bars }} SlowPart */
/** Something of the code's shape: a picture of a map, or numbers.
 * @typedef {{ map?: string, values?: number[] }} Bars */
/** What is said of a part. lit: where it is in the chain. found: what was found of it in this step.
 * @typedef {{ lit: string[], sentence: string, found?: (now: SlowPart) => string,
 *   formula: string, paper: string }} Words */

/** @type {{ [title: string]: Words }} */
const PARTS = {
  Noise: {
    lit: ["infer"],
    sentence:
      "Fresh noise gives the code a kick in a random direction, so that the chain explores all that fits instead of settling at one answer.",
    formula: "s · ε,   ε ~ N(0, I)",
    paper: "Inferential back-propagation: the noise of the Langevin step.",
  },
  "f(z)": {
    lit: ["z", "f", "made"],
    sentence: "The network turns the code into a picture or a sound.",
    formula: "x̂ = f(z; W)",
    paper: "Inferential back-propagation: forward, from the code to the signal.",
  },
  Misfit: {
    lit: ["left"],
    sentence:
      "What the signal has and f(z) has not. Its squares over 2σ² are the misfit, what the code still has to explain.",
    found: (now) => `It stands at ${short(now.number)}.`,
    formula: "|y − f(z; W)|² / (2σ²)",
    paper: "Inferential back-propagation: the residual.",
  },
  Gradient: {
    lit: ["infer", "prior"],
    sentence:
      "Back-propagation carries the residual through the network to the code, not to the weights; the prior pulls towards 0. This is the drift of the move.",
    found: (now) => `The gradient's length is ${short(now.number)}.`,
    formula: "− (s² / 2) ∂U/∂z,   U = misfit + |z|² / 2",
    paper: "Inferential back-propagation: z ← z − (s²/2) ∂U/∂z + s ε, l times.",
  },
  Learning: {
    lit: ["learn"],
    sentence:
      "Then the codes are held still, and the same misfit goes back to the weights: one step down, here for this example alone and so long that a hundredth of the misfit should go. The picture shows what it changes in f(z), ten times enlarged.",
    found: (now) =>
      `The weights move by ${short(100 * now.number)} % of their size; the misfit goes from ${short(now.before)} to ${short(now.after)}.`,
    formula: "W ← W − γ ∂/∂W |y − f(z; W)|² / (2σ²)",
    paper: "Learning back-propagation: training takes it over a whole batch, with Adam.",
  },
};

const BARS = 320; // pixels along the picture of a vector

part(".slowly .words").before(
  makeChain({
    z: "the code",
    f: "the network makes of it",
    made: "what it explains",
    left: "what is left of the data",
    infer: "inference: the code moves by noise and the gradient",
    learn: "learning: the weights move by theirs",
    prior: "the prior pulls towards 0",
  }),
);

/** @type {SlowPart[]} */
let slowParts = [];
let slowAt = 0; // of the parts
let slowStep = 0; // of the walk
let slowPrior = 0; // its |z|²/2

function forgetSlow() {
  slowParts = [];
  part(".slowly").hidden = true;
}

async function slowDown() {
  if (!walk) return;
  pause();
  const [asked, step, prior] = [walk, cursor, steps[cursor].prior[chain]];
  say("Working it out …");
  const answer = await ask("slowly", { walk: walk.walk, step, chain });
  if (asked !== walk) return;
  say("");
  if (refuse(answer.refusal)) return;
  slowParts = answer.parts;
  [slowAt, slowStep, slowPrior] = [0, step, prior];
  const opened = part(".slowly").hidden;
  part(".slowly").hidden = false;
  drawSlow();
  if (opened) part(".slowly").scrollIntoView({ block: "nearest" });
}
// From the first step on, unless the visitor stands at another.
part(".slow").onclick = async () => {
  if (playing || cursor >= walk?.used.steps) await goTo(0);
  slowDown();
};
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
  const { lit, sentence, found, formula, paper } = PARTS[now.title];
  part(".count").textContent = `Part ${slowAt + 1} of ${slowParts.length}, step ${slowStep}`;
  part(".later").textContent = slowAt + 1 < slowParts.length ? "Next" : "Next step";
  disable(part(".earlier"), !slowAt, part(".later"));
  part(".words h3").textContent = now.title;
  part(".sentence").textContent = found ? `${sentence} ${found(now)}` : sentence;
  part(".words code").textContent = formula;
  part(".paper").textContent = paper;
  light(lit);
  drawChain();
}

// The chain of this step; the way back to z carries the noise first, and then the gradient.
function drawChain() {
  const [noise, made, misfit, gradient, learning] = slowParts;
  const move = slowAt < slowParts.indexOf(gradient) ? noise : gradient;
  putBars("z", made.bars, "--abp-infer", "The code");
  putNumber("z", `|z| = ${short(Math.sqrt(2 * slowPrior))}`);
  putPicture("made", made.picture, "What the code makes");
  putPicture("left", misfit.picture, "What is left of the data");
  putNumber("left", `misfit ${short(misfit.number)}`);
  putBars("infer", move.bars, move === noise ? "--abp-infer" : "--abp-learn", move.title);
  putNumber("infer", `${move.title.toLowerCase()} ${short(move.number)}`);
  putPicture("learn", learning.picture, "What learning changes in f(z)");
  putNumber("learn", `by ${short(100 * learning.number)} %`);
  putNumber("prior", `|z|²/2 = ${short(slowPrior)}`);
}

/** @type {(name: string, bars: Bars, hue: string, label: string) => void} */
function putBars(name, { map, values }, hue, label) {
  const alt = values ? `${label}: ${values.map(short).join(", ")}` : `${label}, a map`;
  putPicture(name, map ?? drawBars(values, colour(hue)), alt);
  part(`[data-part=${name}] img`).classList.toggle("cells", Boolean(map));
}

// The entries of a vector, up and down from the middle, as a data URL.
/** @type {(values: number[], hue: string) => string} */
function drawBars(values, hue) {
  const sheet = make("canvas", { width: BARS, height: BARS });
  /** @type {Pen} */
  const pen = sheet.getContext("2d");
  const most = Math.max(...values.map(Math.abs), 1e-9);
  const each = BARS / values.length;
  pen.fillStyle = colour("--abp-line");
  pen.fillRect(0, BARS / 2 - 1, BARS, 2);
  pen.fillStyle = hue;
  values.forEach((value, k) => {
    const size = (value / most) * (BARS / 2);
    pen.fillRect((k + 0.15) * each, BARS / 2 - Math.max(size, 0), each * 0.7, Math.abs(size));
  });
  return sheet.toDataURL();
}
