// Steps are fetched ahead of the one that is shown, and shown one after the other.

const AHEAD = 12; // steps that are known before they are shown

let playing = false;
let fetching = false;
let shownAt = 0; // when the last step was shown, in milliseconds

const complete = () => steps.length > walk.used.steps;

async function fetchMore() {
  if (fetching || !walk) return;
  fetching = true;
  while (walk && !complete() && (playing || steps.length - 1 - cursor < AHEAD)) {
    const asked = walk;
    const of = choice;
    const answer = await ask("advance", { walk: walk.walk, first: steps.length, chain: of });
    if (asked !== walk) continue;
    if (answer.refusal && refuse(answer.refusal)) {
      playing = false;
      break;
    }
    if (of === choice) putSteps(answer);
  }
  fetching = false;
}
/** @type {(answer: any) => void} */
function putSteps(answer) {
  steps.push(...answer.steps);
  told = answer;
  if (answer.spread && answer.steps.length) spreads.push([steps.length - 1, answer.spread]);
  part(".scrub").max = walk.used.steps;
  drawNumbers();
  drawEnergy();
  if (complete()) finish();
}
function finish() {
  part(".verdict").textContent = told.verdict || "";
  if (told.lost) {
    const chains = told.lost === 1 ? "chain" : "chains";
    say(
      `${told.lost} ${chains} ran away and went back to the start: the step is too long there. Please try a shorter one.`,
    );
  }
  if (!walk.flat && hasLand()) fetchLand();
}

function play() {
  playing = Boolean(walk);
  drawPlay();
  if (!playing) return;
  if (complete() && cursor >= steps.length - 1) cursor = 0;
  requestAnimationFrame(tick);
  fetchMore();
}
function pause() {
  playing = false;
  drawPlay();
}
function drawPlay() {
  part(".play").textContent = playing ? "❚❚" : "▶";
  part(".play").setAttribute("aria-label", playing ? "Pause" : "Play");
}
/** @type {(now: number) => void} */
function tick(now) {
  if (!playing || !walk) return;
  if (now - shownAt >= 1000 / Number(part(".speed").value) - 4) {
    if (cursor < steps.length - 1) {
      cursor += 1;
      shownAt = now;
      show();
    } else if (complete()) {
      pause();
      return;
    }
  }
  requestAnimationFrame(tick);
}

/** @type {(step: number) => Promise<void>} */
async function goTo(step) {
  if (!walk) return;
  pause();
  cursor = clamp(step, 0, walk.used.steps);
  if (cursor >= steps.length) {
    await fetchMore();
    cursor = Math.min(cursor, steps.length - 1);
  }
  show();
  fetchMore();
}

part(".play").onclick = () => (playing ? pause() : play());
part(".first").onclick = () => goTo(0);
part(".back").onclick = () => goTo(cursor - 1);
part(".forth").onclick = () => goTo(cursor + 1);
part(".scrub").oninput = () => {
  if (!walk) return;
  if (playing) pause();
  cursor = Math.min(Number(part(".scrub").value), steps.length - 1);
  show();
};
// The pictures of another chain are fetched as far as those of the one before were.
part(".chain").onchange = async () => {
  const of = walk;
  choice = Number(part(".chain").value);
  const known = steps.length;
  const at = cursor;
  steps = [];
  while (steps.length < known) {
    const answer = await ask("advance", { walk: of.walk, first: steps.length, chain: choice });
    if (of !== walk || (answer.refusal && refuse(answer.refusal)) || !answer.steps.length) break;
    steps.push(...answer.steps);
  }
  if (of !== walk) return;
  cursor = Math.min(at, steps.length - 1);
  show();
};
