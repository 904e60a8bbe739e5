// The alternation as a chain of parts, which light up in turn while a run of props.task is at work and
// carry its present pictures and numbers.

const TURN = 900; // milliseconds that a part is lit

let lit = -1;
let turning = 0; // the timer

element.append(
  makeChain({
    z: "the codes",
    f: "the network makes of them",
    made: "what they explain",
    left: "the data, and what is left of it",
    infer: "inference: every code moves by the gradient, and a kick of noise",
    learn: "learning: the weights move by theirs",
    prior: "new ones, from new codes",
  }),
);

function turn() {
  lit = (lit + 1) % CHAIN_NAMES.length;
  light([CHAIN_NAMES[lit]]);
  turning = setTimeout(turn, TURN);
}
function stand() {
  clearTimeout(turning);
  turning = 0;
  lit = -1;
  light([]);
}

function draw() {
  const run = liveRun();
  const atWork = run?.stage.phase === "running";
  // Who wants nothing to move sees all of it at once.
  const moving = atWork && !calm.matches;
  if (moving && !turning) turn();
  if (!moving) stand();
  if (!run) return;
  const [data, made, anew] = run.stage.panels;
  if (made) putPicture("made", made.picture, "Rebuilt from the codes");
  if (data) putPicture("left", data.picture, "The data");
  if (anew) putPicture("prior", anew.picture, "New ones");
  const { errors = [], latents = [] } = run.curves;
  if (!errors.length) return;
  putNumber("left", `off by ${(100 * errors.at(-1)).toFixed(1)} %`);
  putNumber("z", `size ${latents.at(-1).toFixed(2)}`);
}
document.addEventListener("abp-live", draw);
draw();
