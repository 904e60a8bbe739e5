// How a run went: a slider over the frames that the studio keeps of one panel. Its right end is now,
// where the panel is live.

const REPLAYED = 1; // which panel
let past = -1; // the iteration that is shown; -1 for now
/** @type {number[]} */
let listed = []; // the iterations that the slider goes over
let held = false; // under the hand the slider is left alone
let fetching = false;
let shown = ""; // a picture that stays until the next has come
let runShown = 0;
/** @type {Map<number, string>} */
const fetched = new Map(); // the pictures that have come, by their iterations

// A panel as it is shown: that of the replay as it was.
/** @type {(panel: Panel, i: number) => Panel} */
function asItWas(panel, i) {
  if (i !== REPLAYED) return panel;
  shown = past < 0 ? "" : fetched.get(past) || shown;
  return shown ? { ...panel, picture: shown, caption: `At iteration ${past}` } : panel;
}

/** @type {(iterations: number[]) => void} */
function drawReplay(iterations) {
  if (!props.replay) return;
  const number = liveRun()?.number || 0;
  if (number !== runShown) {
    runShown = number;
    fetched.clear();
    past = -1;
  }
  if (!held) list(iterations);
  const words = past < 0 ? "now" : `iteration ${past}`;
  part(".replay output").textContent = words;
  part(".replay input").setAttribute("aria-valuetext", words);
}

// Puts the slider over these iterations; one that was thinned out gives way to that before it.
/** @type {(iterations: number[]) => void} */
function list(iterations) {
  const slider = part(".replay input");
  listed = iterations;
  for (const known of fetched.keys()) if (!listed.includes(known)) fetched.delete(known);
  if (past >= 0 && !listed.includes(past)) {
    past = listed.filter((each) => each < past).pop() ?? -1;
    fetchFrame();
  }
  slider.disabled = listed.length < 2;
  slider.max = listed.length;
  slider.value = past < 0 ? listed.length : listed.indexOf(past);
}

// The newest wish counts.
async function fetchFrame() {
  if (fetching) return;
  fetching = true;
  while (past >= 0 && !fetched.has(past)) {
    const wanted = past;
    const { token } = liveRun();
    try {
      const answer = await server.frame({ token, iteration: wanted });
      if (answer.picture) fetched.set(wanted, answer.picture);
      else past = -1; // it is not kept any more
    } catch {
      past = -1;
    }
  }
  fetching = false;
  draw();
}

if (props.replay) {
  const slider = part(".replay input");
  part(".replay").hidden = false;
  slider.onpointerdown = () => {
    held = true;
  };
  for (const event of ["pointerup", "pointercancel"]) {
    slider.addEventListener(event, () => {
      held = false;
      draw();
    });
  }
  slider.oninput = () => {
    past = listed[Number(slider.value)] ?? -1;
    fetchFrame();
    draw();
  };
}
