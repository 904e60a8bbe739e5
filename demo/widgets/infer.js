// A walk through the latents of one example, step by step.
// value {token, model: what describes it, brought: name of a file, refusal, take}.
const short = (x) =>
  x === null || x === undefined
    ? "–"
    : Math.abs(x) >= 1000
      ? x.toFixed(0)
      : Math.abs(x) >= 10
        ? x.toFixed(1)
        : x.toPrecision(3);

let token = ""; // the visitor's; a refusal comes without it
let model = null;
let target = { example: 0 };
let walk = null; // the opening of the current one
let steps = []; // by number; their pictures are those of the chosen chain
let cursor = 0,
  chain = 0,
  playing = false,
  fetching = false,
  told = {},
  land = null;
let spreads = []; // [step, picture]
let slowParts = [],
  slowAt = 0;

const call = async (name, what = {}) => {
  try {
    return await server[name]({ token, key: model.key, ...what });
  } catch {
    return { refusal: "The studio did not answer; please try again." };
  }
};
const say = (sentence) => {
  part(".spoken").textContent = sentence;
};
function refuse(sentence) {
  part(".refusal").textContent = sentence || "";
  part(".refusal").hidden = !sentence;
  return Boolean(sentence);
}

// ---- beginning -----------------------------------------------------------------------------
const number = (name) => {
  const text = part(`.wish[name=${name}]`).value.trim().replace(",", ".");
  if (text === "") return 0;
  return /^[0-9.]+(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
};
const WORDS = {
  steps: "steps",
  step_size: "step size",
  temperature: "temperature",
  sigma: "sigma",
  seed: "seed",
};
function wish() {
  const made = {
    hiding: part(".hiding").value,
    start: part(".wish[name=start]").value,
    chains: Number(part(".wish[name=chains]").value),
  };
  for (const name of Object.keys(WORDS)) {
    made[name] = number(name);
    if (Number.isNaN(made[name]))
      return refuse(`The ${WORDS[name]} is no number; please correct it.`) && null;
  }
  return made;
}
async function begin(replay) {
  const asked = model,
    made = replay ? null : wish();
  if (!replay && !made) return;
  playing = false;
  const answer = await call("begin", { target, wish: made, replay });
  if (asked !== model || refuse(answer.refusal)) return;
  walk = answer;
  steps = answer.steps;
  told = answer;
  cursor = 0;
  chain = 0;
  land = null;
  spreads = [];
  slowParts = [];
  part(".slowly").hidden = true;
  part(".observed").src = walk.observed;
  part(".spread").removeAttribute("src");
  part(".chain").replaceChildren(
    ...Array.from({ length: walk.chains }, (_, i) =>
      make("option", { value: i, textContent: i + 1 }),
    ),
  );
  part(".chain-box").hidden = walk.chains < 2;
  part(".map").hidden = !walk.spatial;
  part(".land-figure").hidden = walk.spatial;
  part(".map").dataset.flat = walk.kind === "sound" ? 1 : 0;
  part(".land img").removeAttribute("src");
  part(".land-caption").textContent = walk.flat
    ? "The walk over the posterior: contours of the energy, from this very model"
    : "The walk in the plane where it is widest, over the energy in that plane";
  say(
    replay
      ? "This is what training would do next for this example: its own start, noise, step and arithmetic."
      : "",
  );
  show();
  if (walk.flat) drawLand();
  play(true);
}
part(".begin").onclick = () => begin(false);
part(".replay").onclick = () => begin(true);

// ---- fetching and playing ------------------------------------------------------------------
async function fetchMore() {
  if (fetching || !walk) return;
  fetching = true;
  while (walk && !complete() && (playing || steps.length - 1 - cursor < 12)) {
    const asked = walk,
      of = chain;
    const answer = await call("advance", { walk: walk.walk, first: steps.length, chain });
    if (asked !== walk) continue;
    if (refuse(answer.refusal)) {
      playing = false;
      break;
    }
    if (of !== chain) continue;
    steps.push(...answer.steps);
    told = answer;
    if (answer.spread && answer.steps.length) spreads.push([steps.length - 1, answer.spread]);
    part(".scrub").max = walk.used.steps;
    numbers();
    drawEnergy();
    if (complete()) finished();
  }
  fetching = false;
}
const complete = () => steps.length > walk.used.steps;
function finished() {
  if (told.lost)
    say(
      `${told.lost} ${told.lost === 1 ? "chain" : "chains"} ran away and went back to the start: the step is too long there. Please try a shorter one.`,
    );
  if (!walk.flat && !walk.spatial) drawLand();
}
let last = 0;
function tick(now) {
  if (!playing || !walk) return;
  if (now - last >= 1000 / Number(part(".speed").value) - 4) {
    if (cursor < steps.length - 1) {
      cursor += 1;
      last = now;
      show();
    } else if (complete()) return play(false);
  }
  requestAnimationFrame(tick);
}
function play(on) {
  playing = on && Boolean(walk);
  part(".play").textContent = playing ? "❚❚" : "▶";
  part(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
  if (playing) {
    if (complete() && cursor >= steps.length - 1) cursor = 0;
    requestAnimationFrame(tick);
    fetchMore();
  }
}
part(".play").onclick = () => play(!playing);
async function to(step) {
  if (!walk) return;
  play(false);
  cursor = Math.max(0, Math.min(step, walk.used.steps));
  if (cursor >= steps.length) {
    await fetchMore();
    cursor = Math.min(cursor, steps.length - 1);
  }
  show();
  fetchMore();
}
part(".first").onclick = () => to(0);
part(".back").onclick = () => to(cursor - 1);
part(".forth").onclick = () => to(cursor + 1);
part(".scrub").oninput = (event) => {
  if (!walk) return;
  if (playing) play(false);
  cursor = Math.min(Number(event.target.value), steps.length - 1);
  show();
};
part(".chain").onchange = async (event) => {
  chain = Number(event.target.value);
  const known = steps.length,
    at = cursor;
  steps = [];
  while (steps.length < known) {
    const answer = await call("advance", { walk: walk.walk, first: steps.length, chain });
    if (refuse(answer.refusal) || !answer.steps.length) break;
    steps.push(...answer.steps);
  }
  cursor = Math.min(at, steps.length - 1);
  show();
};

// ---- what is shown -------------------------------------------------------------------------
function show() {
  const step = steps[cursor];
  if (!walk || !step) return;
  part(".made").src = step.picture;
  part(".residual").src = step.residual;
  const seen = spreads.filter(([at]) => at <= cursor).pop() || spreads[0];
  if (seen) part(".spread").src = seen[1];
  if (step.map) part(".map img").src = step.map;
  part(".scrub").max = walk.used.steps;
  part(".scrub").value = cursor;
  part(".scrub").setAttribute("aria-valuetext", `step ${cursor} of ${walk.used.steps}`);
  part(".step").textContent = `step ${cursor} of ${walk.used.steps}`;
  element.dataset.step = cursor;
  for (const button of all(".transport button, .last button")) button.disabled = false;
  numbers();
  drawEnergy();
  drawPath();
  if (!playing && walk.kind === "sound") hear();
}
async function hear() {
  const asked = cursor,
    audio = part("audio");
  const answer = await call("heard", { walk: walk.walk, step: cursor, chain });
  if (asked === cursor && answer.sound) audio.src = answer.sound;
}
function numbers() {
  const step = steps[cursor];
  if (!step) return;
  const share = step.noise[chain];
  const rows = [
    ["Misfit", short(step.misfit[chain])],
    ["Prior |z|²/2", short(step.prior[chain])],
    ["Gradient |∂U/∂z|", short(step.slope[chain])],
    ["Length of the move", cursor ? short(step.length[chain]) : "–"],
    ["Noise in the move", share === null || !cursor ? "–" : `${(100 * share).toFixed(0)} %`],
    [
      "Metropolis would accept",
      step.accepted[chain] === null ? "–" : `${(100 * step.accepted[chain]).toFixed(0)} %`,
    ],
    [
      "Accepted, all chains",
      told.accepted === null || told.accepted === undefined
        ? "–"
        : `${(100 * told.accepted).toFixed(0)} %`,
    ],
    [
      "R-hat · effective draws",
      told.rhat ? `${told.rhat.toFixed(2)} · ${told.ess.toFixed(0)}` : "–",
    ],
  ];
  if (step.lost[chain]) rows.push(["Ran away", "put back at its start"]);
  part(".numbers").replaceChildren(
    ...rows.map(([name, text]) => {
      const box = make(
        "div",
        {},
        make("dt", { textContent: name }),
        make("dd", { textContent: text }),
      );
      if (name === "Ran away") box.className = "alarm";
      return box;
    }),
  );
}
function canvasOf(selector) {
  const canvas = part(selector),
    scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth,
    height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  return { canvas, pen, width, height };
}
function drawEnergy() {
  const { canvas, pen, width, height } = canvasOf(".energy");
  if (!width || !walk || !steps.length) return;
  const left = 54,
    right = width - 8,
    top = 8,
    bottom = height - 20;
  const curves = [
    ["misfit", "--abp-learn"],
    ["prior", "--abp-soft"],
  ].map(([name, hue]) => [name, hue, steps.map((s) => s[name][chain])]);
  curves.unshift(["U", "--abp-infer", steps.map((s) => s.misfit[chain] + s.prior[chain])]);
  const known = curves.flatMap(([, , ys]) => ys).filter((y) => y > 0 && Number.isFinite(y));
  const low = Math.log10(Math.max(Math.min(...known), 1e-3)),
    high = Math.log10(Math.max(...known)) + 0.05;
  const px = (k) => left + (k / Math.max(walk.used.steps, 1)) * (right - left);
  const py = (y) =>
    bottom - ((Math.log10(Math.max(y, 1e-3)) - low) / Math.max(high - low, 0.2)) * (bottom - top);
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (let e = Math.ceil(low); e <= high; e++) {
    pen.strokeStyle = colour("--abp-line");
    pen.beginPath();
    pen.moveTo(left, py(10 ** e));
    pen.lineTo(right, py(10 ** e));
    pen.stroke();
    pen.fillStyle = colour("--abp-soft");
    pen.fillText((10 ** e).toLocaleString("en"), left - 6, py(10 ** e));
  }
  pen.textBaseline = "alphabetic";
  pen.textAlign = "left";
  pen.fillText("step 0", left, height - 5);
  pen.textAlign = "right";
  pen.fillText(walk.used.steps, right, height - 5);
  for (const [, hue, ys] of curves) {
    pen.strokeStyle = colour(hue);
    pen.lineWidth = 2;
    pen.beginPath();
    ys.forEach((y, k) => (k ? pen.lineTo(px(k), py(y)) : pen.moveTo(px(k), py(y))));
    pen.stroke();
  }
  pen.fillStyle = colour("--abp-alarm");
  steps.forEach((step, k) => {
    if (step.lost[chain]) {
      pen.font = "bold 14px system-ui";
      pen.textAlign = "center";
      pen.fillText("×", px(k), top + 10);
    }
  });
  pen.strokeStyle = colour("--abp-ink");
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(px(cursor), top);
  pen.lineTo(px(cursor), bottom);
  pen.stroke();
  part(".legend").replaceChildren(
    ...curves.map(([name, hue]) =>
      make("span", { textContent: ` ― ${name}`, style: `color: var(${hue})` }),
    ),
  );
  const now = steps[cursor];
  canvas.setAttribute(
    "aria-label",
    now
      ? `Energy at step ${cursor}: misfit ${short(now.misfit[chain])}, prior ${short(now.prior[chain])}`
      : "Energy",
  );
}
part(".energy").onclick = (event) => {
  if (!walk) return;
  const box = event.target.getBoundingClientRect();
  to(Math.round(((event.clientX - box.left - 54) / (box.width - 62)) * walk.used.steps));
};
async function drawLand() {
  const asked = walk;
  const answer = await call("land", { walk: walk.walk });
  if (asked !== walk || answer.refusal) return;
  land = answer;
  part(".land img").src = land.picture;
  if (!walk.flat)
    part(".land-caption").textContent =
      `The walk in the plane where it is widest (${land.share} % of it), over the energy in that plane`;
  drawPath();
}
function drawPath() {
  const { canvas, pen, width, height } = canvasOf(".land canvas");
  if (!width || !walk || !steps.length) return;
  const low = land ? land.low : [-walk.farthest, -walk.farthest],
    high = land ? land.high : [walk.farthest, walk.farthest];
  const place = (k, c) =>
    walk.flat ? steps[k] && steps[k].at[c] : land && land.path[k] && land.path[k][c];
  if (!place(0, 0)) return;
  const px = (x) => ((x - low[0]) / (high[0] - low[0])) * width,
    py = (y) => (1 - (y - low[1]) / (high[1] - low[1])) * height;
  for (let c = 0; c < walk.chains; c++) {
    const mine = c === chain;
    pen.strokeStyle = mine ? "#ea580c" : "#1c191790";
    pen.lineWidth = mine ? 2.2 : 1;
    pen.beginPath();
    for (let k = 0; k <= cursor && place(k, c); k++) {
      const [x, y] = place(k, c);
      if (k && !(steps[k] && steps[k].lost[c])) pen.lineTo(px(x), py(y));
      else pen.moveTo(px(x), py(y));
    }
    pen.stroke();
    const now = place(
      Math.min(cursor, (land && !walk.flat ? land.path.length : steps.length) - 1),
      c,
    );
    if (!now) continue;
    pen.beginPath();
    pen.arc(px(now[0]), py(now[1]), mine ? 6 : 3.5, 0, 2 * Math.PI);
    pen.fillStyle = mine ? "#ea580c" : "#fff";
    pen.strokeStyle = "#18181b";
    pen.lineWidth = 1;
    pen.fill();
    pen.stroke();
  }
  canvas.setAttribute("aria-label", `The walk over the energy, step ${cursor}`);
}

// ---- slow motion ---------------------------------------------------------------------------
const PARTS = {
  Noise: [
    "Fresh noise gives the code a kick in a random direction, so that the chain explores all that fits instead of settling at one answer.",
    "s · ε,   ε ~ N(0, I)",
    "Inferential back-propagation: the noise of the Langevin step.",
  ],
  "f(z)": [
    "The network turns the code into a picture or a sound.",
    "x̂ = f(z; W)",
    "Inferential back-propagation: forward, from the code to the signal.",
  ],
  Misfit: [
    "What the signal has and f(z) has not. Its squares over 2σ² are the misfit, what the code still has to explain.",
    "|y − f(z; W)|² / (2σ²)",
    "Inferential back-propagation: the residual.",
  ],
  Gradient: [
    "Back-propagation carries the residual through the network to the code, not to the weights; the prior pulls towards 0. This is the drift of the move.",
    "− (s² / 2) ∂U/∂z,   U = misfit + |z|² / 2",
    "Inferential back-propagation: z ← z − (s²/2) ∂U/∂z + s ε, l times.",
  ],
  Learning: [
    "Then the codes are held still, and the same misfit goes back to the weights: one step down, here for this example alone and so long that a hundredth of the misfit should go. The picture shows what it changes in f(z), ten times enlarged.",
    "W ← W − γ ∂/∂W |y − f(z; W)|² / (2σ²)",
    "Learning back-propagation: training takes it over a whole batch, with Adam.",
  ],
};
part(".slow").onclick = async () => {
  if (!walk) return;
  play(false);
  say("Working it out …");
  const answer = await call("slowly", { walk: walk.walk, step: cursor, chain });
  say("");
  if (refuse(answer.refusal)) return;
  slowParts = answer.parts;
  slowAt = 0;
  part(".slowly").hidden = false;
  drawSlow();
};
part(".earlier").onclick = () => {
  slowAt = Math.max(0, slowAt - 1);
  drawSlow();
};
part(".later").onclick = async () => {
  if (slowAt + 1 < slowParts.length) {
    slowAt += 1;
    return drawSlow();
  }
  await to(cursor + 1);
  part(".slow").click();
};
function drawSlow() {
  const now = slowParts[slowAt];
  if (!now) return;
  const [sentence, formula, paper] = PARTS[now.title];
  part(".count").textContent = `Part ${slowAt + 1} of ${slowParts.length}, step ${cursor}`;
  part(".later").textContent = slowAt + 1 < slowParts.length ? "Next" : "Next step";
  part(".earlier").disabled = !slowAt;
  part(".words h3").textContent = now.title;
  let extra = "";
  if (now.title === "Misfit") extra = ` It stands at ${short(now.number)}.`;
  if (now.title === "Gradient") extra = ` The gradient's length is ${short(now.number)}.`;
  if (now.title === "Learning")
    extra = ` The weights move by ${short(100 * now.number)} % of their size; the misfit goes from ${short(now.before)} to ${short(now.after)}.`;
  part(".sentence").textContent = sentence + extra;
  part(".words code").textContent = formula;
  part(".paper").textContent = paper;
  const picture = part(".part > img");
  picture.src = now.picture;
  picture.alt = now.title;
  const bars = now.bars || {},
    map = part(".slow-map");
  map.hidden = !bars.map;
  if (bars.map) map.src = bars.map;
  part(".bars canvas").style.display = bars.values ? "" : "none";
  if (bars.values) {
    const { pen, width, height } = canvasOf(".bars canvas");
    const most = Math.max(...bars.values.map(Math.abs), 1e-9),
      each = width / bars.values.length;
    pen.fillStyle = colour(now.title === "Gradient" ? "--abp-learn" : "--abp-infer");
    bars.values.forEach((value, k) => {
      const size = (value / most) * (height / 2 - 14);
      pen.fillRect(
        k * each + each * 0.15,
        size > 0 ? height / 2 - size : height / 2,
        each * 0.7,
        Math.abs(size),
      );
    });
    pen.fillStyle = colour("--abp-soft");
    pen.font = "11px system-ui, sans-serif";
    pen.fillText(`largest ${short(most)}`, 4, 11);
    part(".bars canvas").setAttribute(
      "aria-label",
      `${now.title}: ${bars.values.map(short).join(", ")}`,
    );
  }
}

// ---- taking home ---------------------------------------------------------------------------
function composed() {
  const side = 260,
    gap = 12;
  const canvas = make("canvas", { width: 4 * side + 5 * gap, height: 2 * side + 4 * gap + 20 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = "#1c1917";
  pen.font = "14px system-ui, sans-serif";
  pen.fillText(
    `${walk.name}, step ${cursor} of ${walk.used.steps}: misfit ${short(steps[cursor].misfit[chain])}, prior ${short(steps[cursor].prior[chain])}`,
    gap,
    20,
  );
  pen.imageSmoothingEnabled = false;
  [".observed", ".made", ".residual", ".spread"].forEach((selector, k) => {
    if (part(selector).src) pen.drawImage(part(selector), gap + k * (side + gap), 32, side, side);
  });
  pen.imageSmoothingEnabled = true;
  pen.drawImage(part(".energy"), gap, side + 44, 2 * side, side - 60);
  if (part(".land img").src)
    pen.drawImage(part(".land img"), gap + 2 * (side + gap), side + 44, side, side);
  pen.drawImage(part(".land canvas"), gap + 2 * (side + gap), side + 44, side, side);
  return canvas.toDataURL("image/png");
}
for (const button of all("[data-take]")) {
  button.onclick = () => {
    if (!walk) return;
    if (button.dataset.take === "picture") {
      make("a", { href: composed(), download: `walk-${walk.walk}-step-${cursor}.png` }).click();
      return;
    }
    props.value = { ...props.value, take: { walk: walk.walk, what: button.dataset.take, chain } };
    trigger("take");
  };
}

// ---- targets, and another model ------------------------------------------------------------
function targets() {
  all(".examples button").forEach((button, i) => {
    const on = target.example === i;
    button.setAttribute("aria-checked", on);
    button.tabIndex = on || (target.example === undefined && i === 0) ? 0 : -1;
  });
  part(".item").value = target.item || (target.brought ? "\u0000" : "");
}
part(".examples").onkeydown = (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const every = all(".examples button");
  const next = every[(every.indexOf(document.activeElement) + step + every.length) % every.length];
  next.focus();
  next.click();
};
part(".item").onchange = (event) => {
  const name = event.target.value;
  target = name === "\u0000" ? { brought: true } : name ? { item: name } : { example: 0 };
  const start = part(".wish[name=start]");
  if (target.example === undefined && start.value === "training") start.value = "prior";
  targets();
};
function draw() {
  const value = props.value || {};
  token = value.token || token;
  if (value.refusal && refuse(value.refusal) && !value.model) return;
  if (!value.model) return;
  const fresh = !model || model.key !== value.model.key;
  if (fresh) {
    model = value.model;
    walk = null;
    steps = [];
    playing = false;
    land = null;
    told = {};
    target = { example: 0 };
    refuse("");
    for (const selector of [".observed", ".made", ".residual", ".spread", ".land img"])
      part(selector).removeAttribute("src");
    part(".numbers").replaceChildren();
    part(".slowly").hidden = true;
    part(".map").hidden = true;
    part("audio").style.display = model.kind === "sound" ? "" : "none";
    part(".chain-box").hidden = true;
    part(".step").textContent = "no walk yet";
    for (const button of all(".transport button, .last button")) button.disabled = true;
    part(".wish[name=step_size]").placeholder = short(model.own.step_size);
    part(".wish[name=sigma]").placeholder = short(model.own.sigma);
    part(".land-figure").hidden = model.kind !== "objects";
    // A map of latents is long to find from nothing, and its steps cost ten times as much.
    part(".wish[name=steps]").value = model.kind === "objects" ? "100" : "80";
    part(".wish[name=chains]").value = model.kind === "objects" ? "4" : "2";
    part(".wish[name=start]").value = "prior";
    part(".wish[name=temperature]").value = short(model.own.temperature);
    part(".hiding option[value=lines]").hidden = model.kind === "sound";
    part(".examples").replaceChildren(
      ...Array.from({ length: model.examples }, (_, i) => {
        const button = make("button", { type: "button", title: `Training example ${i + 1}` });
        button.setAttribute("role", "radio");
        button.setAttribute("aria-label", `Training example ${i + 1}`);
        button.style.backgroundImage = `url(${model.sheet})`;
        button.style.backgroundSize = `${100 * model.examples}% 100%`;
        button.style.backgroundPosition = `${model.examples > 1 ? (100 * i) / (model.examples - 1) : 0}% 0`;
        button.onclick = () => {
          target = { example: i };
          targets();
        };
        return button;
      }),
    );
  }
  const options = [
    ["", "a training example"],
    ...model.items.map((item) => [item.name, item.label]),
  ];
  if (value.brought) options.push(["\u0000", value.brought]);
  part(".item").replaceChildren(
    ...options.map(([name, label]) => make("option", { value: name, textContent: label })),
  );
  if (value.brought && value.brought !== target.name)
    target = { brought: true, name: value.brought };
  targets();
  // Something moves before the first click, unless that is not wanted.
  if (
    fresh &&
    model.examples &&
    !window.matchMedia("(prefers-reduced-motion: reduce)").matches &&
    element.offsetParent
  )
    begin(false);
}
new ResizeObserver(() => {
  if (walk) {
    drawEnergy();
    drawPath();
  }
}).observe(element);
new MutationObserver(() => {
  if (walk) drawEnergy();
}).observe(document.body, { attributes: true, attributeFilter: ["class"] });
watch("value", draw);
draw();
