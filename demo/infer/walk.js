// The current walk, and how it begins.

/** What describes a model, see service.py.
 * @typedef {{ key: string, label: string, kind: string, examples: number, sheet: string,
 *   names: string[], driven: boolean,
 *   items: { name: string, label: string }[],
 *   own: { step_size: number, sigma: number, temperature: number, flat: boolean } }} Model */
/** What is known of a walk before its first move, see view.py.
 * @typedef {{ walk: number, name: string, kind: string, flat: boolean, spatial: boolean,
 *   farthest: number, observed: string, chains: number, frames: number, used: { steps: number } }} Walk */
/** One step, its numbers for every chain, its pictures of the chosen one.
 * @typedef {{ picture: string, residual: string, map?: string, at?: number[][],
 *   misfit: number[], prior: number[], slope: number[], length: number[], lost: boolean[],
 *   noise: (number | null)[], accepted: (number | null)[], shown: number }} Step */

/** @type {{ example?: number, item?: string, brought?: boolean, name?: string }} */
let target = { example: 0 };
/** @type {Walk} */
let walk = null;
/** @type {Step[]} */
let steps = []; // that are known so far
/** What is known of all chains together.
 * @type {{ lost?: number, accepted?: number | null, rhat?: number, ess?: number,
 *   verdict?: string }} */
let told = {};
let cursor = 0; // the step that is shown
let chain = 0; // whose pictures they are
const LOWEST = -1; // whichever stands lowest after the steps that come together
let choice = LOWEST;

const WORDS = {
  steps: "steps",
  step_size: "step size",
  temperature: "temperature",
  sigma: "sigma",
  seed: "seed",
};
/** @type {(name: string) => Part} */
const field = (name) => part(`.wish[name=${name}]`);

// What was typed, as a number: an empty field is 0, which stands for the model's own; else NaN.
/** @type {(name: string) => number} */
function numberIn(name) {
  const text = field(name).value.trim().replace(",", ".");
  if (text === "") return 0;
  return /^[0-9.]+(e-?\d+)?$/i.test(text) ? Number(text) : NaN;
}

// What the visitor asks for, or null where a field was refused.
function wish() {
  /** @type {{ [name: string]: number }} */
  const numbers = {};
  for (const [name, word] of Object.entries(WORDS)) {
    numbers[name] = numberIn(name);
    if (Number.isNaN(numbers[name])) {
      refuse(`The ${word} is no number; please correct it.`);
      return null;
    }
  }
  return {
    hiding: part(".hiding").value,
    start: field("start").value,
    chains: Number(field("chains").value),
    frames: model.kind === "film" ? Number(field("frames").value) : 1,
    ...numbers,
  };
}

// replay: training's own next step for the example instead of what is asked for. moving: whether it
// plays at once.
/** @type {(replay: boolean, moving?: boolean) => Promise<void>} */
async function begin(replay, moving = true) {
  clearTimeout(choosing);
  const asked = model;
  const of = target;
  const wanted = replay ? null : wish();
  if (!replay && !wanted) return;
  pause();
  const answer = await ask("begin", { target, wish: wanted, replay });
  if (asked !== model || of !== target || refuse(answer.refusal)) return;
  forgetWalk();
  walk = answer;
  steps = answer.steps;
  told = answer;
  putWalk();
  say(
    replay
      ? "This is what training would do next for this example: its own start, noise, step and arithmetic."
      : `The walk of “${walk.name}”.`,
  );
  show();
  if (walk.flat) fetchLand();
  if (moving) play();
  else fetchMore();
}
part(".begin").onclick = () => begin(false);
part(".replay").onclick = () => begin(true);

// What is shown belongs to what is named: nothing of a walk stays beside another target or model.
function forgetWalk() {
  pause();
  walk = null;
  steps = [];
  told = {};
  cursor = 0;
  choice = LOWEST;
  refuse("");
  say("");
  forgetPictures();
  for (const drawing of all("canvas")) sheetOf(drawing);
  for (const picture of [".observed", ".made", ".residual"]) part(picture).removeAttribute("src");
  part("audio").removeAttribute("src");
  part(".numbers").replaceChildren();
  part(".verdict").textContent = "";
  part(".map").hidden = true;
  part(".chain-box").hidden = true;
  part(".step").textContent = "no walk yet";
  for (const button of all(".transport button, .last button")) button.disabled = true;
}

function putWalk() {
  const chains = Array.from({ length: walk.chains }, (_, i) => i);
  part(".observed").src = walk.observed;
  part(".observed").alt = `What was observed: ${walk.name}`;
  part(".chain").replaceChildren(
    make("option", { value: LOWEST, textContent: "the lowest walk" }),
    ...chains.map((i) => make("option", { value: i, textContent: `walk ${i + 1}` })),
  );
  part(".chain-box").hidden = walk.chains < 2;
  part(".panels").dataset.row = walk.frames > 1 ? "1" : "0";
  part(".map").hidden = !walk.spatial;
  part(".map").dataset.row = part(".panels").dataset.row;
  part(".map").dataset.flat = walk.kind === "sound" ? "1" : "0";
  part(".land-figure").hidden = !hasLand();
  part(".land-caption").textContent = walk.flat
    ? "The walk over the posterior: contours of the energy, from this very model"
    : "The walk in the plane where it is widest, over the energy in that plane";
}
