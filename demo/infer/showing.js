// What the step under the cursor looks like, and its numbers.

/** Where the chains differ: the step from which it was so, and the picture.
 * @type {[number, string][]} */
let spreads = [];

/** @type {(x: number | null | undefined) => string} */
const short = (x) => {
  if (x === null || x === undefined) return "–";
  const size = Math.abs(x);
  return size >= 1000 ? x.toFixed(0) : size >= 10 ? x.toFixed(1) : x.toPrecision(3);
};
/** @type {(share: number | null | undefined) => string} */
const percent = (share) =>
  share === null || share === undefined ? "–" : `${(100 * share).toFixed(0)} %`;

// Of the walk before.
function forgetPictures() {
  spreads = [];
  part(".spread").removeAttribute("src");
  forgetLand();
  forgetSlow();
}

function show() {
  const step = steps[cursor];
  if (!walk || !step) return;
  chain = step.shown;
  part(".made").src = step.picture;
  part(".residual").src = step.residual;
  const seen = spreads.filter(([at]) => at <= cursor).pop() || spreads[0];
  if (seen) part(".spread").src = seen[1];
  if (step.map) part(".map img").src = step.map;
  const where = `step ${cursor} of ${walk.used.steps}`;
  part(".scrub").max = walk.used.steps;
  part(".scrub").value = cursor;
  part(".scrub").setAttribute("aria-valuetext", where);
  part(".step").textContent = where;
  if (choice === LOWEST) part(".chain option").textContent = `the lowest, walk ${chain + 1}`;
  element.dataset.step = String(cursor);
  element.dataset.walk = String(chain + 1);
  for (const button of all(".transport button, .last button")) button.disabled = false;
  drawNumbers();
  drawEnergy();
  drawPath();
  if (!playing && walk.kind === "sound") hear();
}

async function hear() {
  const asked = cursor;
  const answer = await ask("heard", { walk: walk.walk, step: cursor, chain });
  if (asked === cursor && answer.sound) part("audio").src = answer.sound;
}

// In words what R-hat says, which is 1 where chains have forgotten where they began.
/** @type {(rhat: number) => string} */
function agreement(rhat) {
  const word = rhat < 1.05 ? "Yes" : rhat < 1.2 ? "Nearly" : "No";
  return `${word} (${rhat.toFixed(2)})`;
}

function drawNumbers() {
  const step = steps[cursor];
  if (!step) return;
  const rows = [
    ["Misfit", short(step.misfit[chain])],
    ["Prior |z|²/2", short(step.prior[chain])],
    ["Gradient |∂U/∂z|", short(step.slope[chain])],
    ["Length of the move", cursor ? short(step.length[chain]) : "–"],
    ["Noise in the move", cursor ? percent(step.noise[chain]) : "–"],
    ["Metropolis would accept", percent(step.accepted[chain])],
    ["Accepted, all walks", percent(told.accepted)],
    ["Do the walks agree?", told.rhat ? agreement(told.rhat) : "–"],
    ["Independent draws", told.rhat ? told.ess.toFixed(0) : "–"],
  ];
  const boxes = rows.map(([name, text]) => numberBox(name, text));
  if (step.lost[chain]) boxes.push(numberBox("Ran away", "put back at its start", "alarm"));
  part(".numbers").replaceChildren(...boxes);
}
/** @type {(name: string, text: string, className?: string) => Part} */
function numberBox(name, text, className = "") {
  const term = make("dt", { textContent: name });
  return make("div", { className }, term, make("dd", { textContent: text }));
}
