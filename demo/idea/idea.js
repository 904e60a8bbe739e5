// The whole method on points of the plane, learnt live while the tab is looked at.

const SLOW = 400; // milliseconds a move, when one moves at a time
const BUDGET = 9; // milliseconds of learning a picture at most, so that a slow machine draws too
const FASTEST = 3; // iterations a picture
const APART = 0.07; // of points that are drawn
const SAMPLES = 150;
const AHEAD = 250; // iterations before the first picture, where nothing shall move by itself

let shape = "spiral";
let seed = 1;
let playing = !calm.matches;
let shown = false;
let ticking = false;
let begun = false;
let movedAt = 0;
let chosen = 0;
let learnt = false; // whether the last move was one of learning
/** @type {Toy} */
let toy = null;
let samples = new Float64Array(0); // their codes, one after the other

const PARTS = {
  infer: () =>
    `step ${toy.at || STEPS} of ${STEPS}: every code moves towards what explains its point, with a kick of noise.`,
  learn: () => "the codes stand still, and the network moves so that f(z) comes nearer the points.",
  both: () =>
    `in turn, iteration ${toy.iteration}: the codes move to explain their points, then the network moves to suit the codes.`,
};

// Another network and other codes; the points of the shape, or those that were drawn.
function begin() {
  const points =
    shape === "own"
      ? Array.from({ length: toy.count }, (_, i) => [toy.x[2 * i], toy.x[2 * i + 1]])
      : SHAPES[shape]();
  toy = makeToy(points, Number(part(".latent").value), Number(part(".sigma").value), seed);
  toy.noisy = /** @type {any} */ (part(".noisy")).checked;
  chosen = Math.min(chosen, Math.max(0, toy.count - 1));
  learnt = false;
  drawNew();
  describe();
}
function drawNew() {
  const on = /** @type {any} */ (part(".sampling")).checked;
  samples = Float64Array.from({ length: on ? SAMPLES * toy.network.latent : 0 }, toy.normal);
  draw();
}
function describe() {
  part(".hint").hidden = toy.count > 0;
  part(".chosen").max = Math.max(1, toy.count);
  part(".chosen").value = chosen + 1;
  part(".plane").toggleAttribute("data-own", shape === "own");
  for (const radio of all(".shapes button")) choose(radio, radio.dataset.shape === shape);
  part(".play").textContent = playing ? "Pause" : "Play";
  draw();
  tickOn();
}

function draw() {
  if (!toy || !element.offsetParent) return;
  const lattice = latticeOf(toy.network);
  const hues = huesOf();
  const { misfit, size } = measure(toy);
  drawPlane(toy, lattice, hues, chosen, samples);
  drawCodes(toy, lattice, hues, chosen);
  part(".misfit").textContent = toy.count ? misfit.toFixed(2) : "-";
  part(".size").textContent = toy.count ? size.toFixed(2) : "-";
  drawWords();
}
function drawWords() {
  const fast = playing && part(".speed").value !== "slow";
  const move = learnt ? "learn" : "infer";
  const now = /** @type {keyof typeof PARTS} */ (fast ? "both" : move);
  const name = fast ? "Inference and learning" : learnt ? "Learning" : "Inference";
  const bold = make("b", { className: fast ? "" : move, textContent: name });
  const still = toy.count ? "Press Play, or take one move." : "There is nothing to learn yet.";
  const moving = toy.moved > 0 && toy.count > 0;
  part(".words").replaceChildren(...(moving ? [bold, `, ${PARTS[now]()}`] : [still]));
}

/** @type {(now: number) => void} */
function tick(now) {
  ticking = playing && shown && toy.count > 0;
  if (!ticking) return;
  const speed = part(".speed").value;
  if (speed === "fast") {
    const until = performance.now() + BUDGET;
    for (let k = 0; k < FASTEST * (STEPS + 1) && performance.now() < until; k++)
      learnt = advance(toy);
  } else if (speed === "even" || now - movedAt >= SLOW) {
    learnt = advance(toy);
    movedAt = now;
  }
  draw();
  requestAnimationFrame(tick);
}
function tickOn() {
  if (ticking) return;
  ticking = true;
  requestAnimationFrame(tick);
}

// A little at a time, so that the page stays awake.
function learnAhead() {
  const until = performance.now() + BUDGET;
  while (performance.now() < until && toy.iteration < AHEAD) learnt = advance(toy);
  if (toy.iteration < AHEAD && !playing) setTimeout(learnAhead);
  else draw();
}

/** @type {(name: string) => void} */
function take(name) {
  shape = name;
  if (name === "own") toy.count = 0;
  begin();
  say(name === "own" ? "Draw points in the square." : `${toy.count} points to learn.`);
}
for (const radio of all(".shapes button")) radio.onclick = () => take(radio.dataset.shape);
rove(part(".shapes"), "button");
part(".clear").onclick = () => take("own");
part(".play").onclick = () => {
  playing = !playing;
  describe();
  say(part(".words").textContent);
};
part(".one").onclick = () => {
  playing = false;
  if (toy.count) learnt = advance(toy);
  describe();
  say(part(".words").textContent);
};
part(".again").onclick = () => {
  seed += 1;
  begin();
};
part(".latent").onchange = begin;
part(".sigma").oninput = () => {
  toy.sigma = Number(part(".sigma").value);
  part(".shown-sigma").textContent = toy.sigma.toFixed(2);
  draw();
};
part(".noisy").onchange = () => {
  toy.noisy = /** @type {any} */ (part(".noisy")).checked;
};
part(".sampling").onchange = drawNew;
part(".chosen").oninput = () => {
  chosen = Number(part(".chosen").value) - 1;
  draw();
};

// Where a pointer is on the plane.
/** @type {(event: PointerEvent) => number[]} */
function pointed(event) {
  const box = part(".plane").getBoundingClientRect();
  const across = (event.clientX - box.left) / box.width;
  const down = (event.clientY - box.top) / box.height;
  return [EXTENT * (2 * across - 1), EXTENT * (1 - 2 * down)];
}
// The nearest point is chosen under the pointer; with a button pressed, one is drawn.
/** @type {(event: PointerEvent) => void} */
function point(event) {
  const [x, y] = pointed(event);
  let [nearest, least] = [0, Number.POSITIVE_INFINITY];
  for (let i = 0; i < toy.count; i++) {
    const far = Math.hypot(toy.x[2 * i] - x, toy.x[2 * i + 1] - y);
    if (far < least) [nearest, least] = [i, far];
  }
  if (shape === "own" && event.buttons === 1 && least > APART) {
    if (!addPoint(toy, x, y)) say(`${MOST} points are all that fit.`);
    chosen = toy.count - 1;
    describe();
  } else if (least < 0.3) {
    chosen = nearest;
    part(".chosen").value = chosen + 1;
    draw();
  }
}
part(".plane").onpointermove = point;
part(".plane").onpointerdown = (event) => {
  if (shape === "own") part(".plane").setPointerCapture(event.pointerId);
  point(event);
};

new IntersectionObserver(([entry]) => {
  shown = entry.isIntersecting;
  if (!shown) return;
  draw();
  tickOn();
  if (!begun && !playing) learnAhead();
  begun = true;
}).observe(element);
keepDrawn(draw);
begin();
