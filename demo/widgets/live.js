// What the visitor's runs do, asked of the studio now and then and told to the whole page.
// value {token, buttons}; props.working: the phases of a run that is at work, props.pace: seconds
// between its views. Whoever draws a run listens to the event "abp-live" of the document; the newest
// of each task is in document.abpLive. Triggers "stand" when buttons shall stand otherwise, and
// "lost" when the studio does not know this visit any more, "learnt" when a training ended that was
// watched, "used" when a method of a comparison was chosen, which is the value's `wanted`.

// Milliseconds until it asks again: while nothing happens, nobody looks, or the studio is silent.
const IDLE = 2000;
const HIDDEN = 10000;
const SILENT = 3000;

let token = "";
/** @type {any} */
let seen = null; // what the studio has told, in its own words
/** @type {Record<string, Run | null>} */
const known = {}; // by their tasks
document.abpLive = known;
let stood = ""; // how the buttons stand, as text
let failures = 0;
let losses = 0;
let timer = 0;
let asking = false;
let again = false;

/** @type {(sentence: string) => void} */
function complain(sentence) {
  const place = part(".live");
  if (place.textContent !== sentence) place.textContent = sentence;
  place.hidden = !sentence;
}
/** @type {(task: string, run: Run | null) => void} */
function tell(task, run) {
  known[task] = run;
  document.dispatchEvent(new CustomEvent("abp-live", { detail: run }));
}

function pauseLength() {
  if (failures) return SILENT;
  if (document.hidden) return HIDDEN;
  const working = Object.values(known).some((run) => props.working.includes(run?.stage.phase));
  return working ? 1000 * props.pace : IDLE;
}
/** @type {(more: object) => RequestInit} */
const request = (more) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ token, seen, ...more }),
});

async function ask() {
  clearTimeout(timer);
  if (!token) return;
  if (asking) {
    again = true; // what it is told just now is of before
    return;
  }
  asking = true;
  again = false;
  try {
    const reply = await fetch("studio/live", request({ hidden: document.hidden }));
    if (!reply.ok) throw new Error(String(reply.status));
    if (failures) complain("");
    failures = 0;
    if (reply.status === 200) heard(await reply.json());
  } catch {
    failures += 1;
    if (failures > 1) {
      complain("The studio does not answer just now; this page asks again by itself.");
    }
  }
  asking = false;
  clearTimeout(timer);
  timer = setTimeout(ask, again ? 0 : pauseLength());
}
/** @type {(answer: any) => void} */
function heard(answer) {
  if (answer.unknown) {
    lost();
    return;
  }
  losses = 0;
  seen = answer.seen;
  for (const [task, run] of Object.entries(answer.runs)) {
    const before = known[task];
    if (run?.columns) keepPictures(before, run);
    else if (run) keepFilms(before, run);
    if (run || !before) tell(task, run && { ...run, token });
    else gone(task, before);
    if (run && task === "learn") learnt(before, run);
  }
  date(answer.as_of);
  const buttons = JSON.stringify(answer.buttons);
  if (buttons !== stood) {
    stood = buttons;
    props.value = { token, buttons: answer.buttons };
    trigger("stand");
  }
}

// Nor are films.
/** @type {(before: Run | null, run: Run) => void} */
function keepFilms(before, run) {
  run.stage.panels.forEach((panel, i) => {
    panel.film ??= before?.stage.panels[i]?.film ?? "";
  });
}

// Pictures that the page has are not sent again.
/** @type {(before: Run | null, run: Run) => void} */
function keepPictures(before, run) {
  run.columns.forEach((column, i) => {
    column.pictures ??= before.columns[i].pictures;
  });
}

// The current model grows with the run that it is: the page says as of which iteration it was used.
/** @type {(iteration: number | null) => void} */
function date(iteration) {
  const place = document.querySelector("#abp-model .as-of");
  if (place && iteration !== null) place.textContent = String(iteration);
}

// The visit was forgotten, or the studio was restarted; it may have saved the run. Where there is no
// room for this page it tries again, ever more seldom.
function lost() {
  token = "";
  seen = null;
  setTimeout(() => trigger("lost"), losses ? Math.min(30000, 1000 * 2 ** losses) : 0);
  losses += 1;
}
/** @type {(task: string, run: Run) => void} */
function gone(task, run) {
  const detail = "The studio was restarted, or nobody was here for long; please begin anew.";
  tell(task, {
    ...run,
    stage: { ...run.stage, phase: "failed", headline: "This run is gone", detail },
  });
}

// Whoever watched how a run ended goes on with what it learnt.
/** @type {(before: Run | null, run: Run) => void} */
function learnt(before, run) {
  const ended = ["stopped", "finished"].includes(run.stage.phase);
  /** @type {HTMLElement} */
  const button = document.querySelector("#abp-train");
  if (ended && button?.offsetParent && props.working.includes(before?.stage.phase)) {
    trigger("learnt");
  }
}

// A method of a comparison shall be what the tabs act on.
document.addEventListener("abp-use", (event) => {
  const { detail } = /** @type {CustomEvent<string>} */ (event);
  props.value = { ...props.value, wanted: detail };
  trigger("used");
});

function begin() {
  const now = props.value?.token;
  if (!now || now === token) return;
  token = now;
  ask();
}
document.addEventListener("visibilitychange", ask);
document.addEventListener("abp-ask", ask); // an order was answered, which may have changed a run
addEventListener("pagehide", () => {
  // Where a browser sends nothing from a page that goes, the studio waits a little longer.
  if (token) navigator.sendBeacon?.("studio/live", JSON.stringify({ token, leaving: true }));
});
watch("value", begin);
begin();
