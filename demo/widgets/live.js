// What the visitor's run does, asked of the studio now and then and told to the whole page.
// value {token, buttons}; props.working: the phases of a run that is at work, props.pace: seconds
// between its views. Whoever draws a run listens to the event "abp-live" of the document; the newest
// is in document.abpLive. Triggers "stand" when buttons shall stand otherwise, and "lost" when the
// studio does not know this visit any more.

// Milliseconds until it asks again: while nothing happens, nobody looks, or the studio is silent.
const IDLE = 2000;
const HIDDEN = 10000;
const SILENT = 3000;

let token = "";
/** @type {any} */
let seen = null; // what the studio has told, in its own words
/** @type {Run} */
let known = null;
let stood = ""; // how the buttons stand, as text
let failures = 0;
let losses = 0;
let timer = 0;
let asking = false;

/** @type {(sentence: string) => void} */
function complain(sentence) {
  const place = part(".live");
  if (place.textContent !== sentence) place.textContent = sentence;
  place.hidden = !sentence;
}
/** @type {(run: Run | null) => void} */
function tell(run) {
  known = run;
  document.abpLive = run;
  document.dispatchEvent(new CustomEvent("abp-live", { detail: run }));
}

function pauseLength() {
  if (failures) return SILENT;
  if (document.hidden) return HIDDEN;
  const working = known && props.working.includes(known.stage.phase);
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
  if (!token || asking) return;
  asking = true;
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
  timer = setTimeout(ask, pauseLength());
}
/** @type {(answer: any) => void} */
function heard(answer) {
  if (answer.unknown) {
    lost();
    return;
  }
  losses = 0;
  const before = known;
  seen = answer.seen;
  if (answer.run || !before) tell(answer.run);
  const buttons = JSON.stringify(answer.buttons);
  if (buttons !== stood) {
    stood = buttons;
    props.value = { token, buttons: answer.buttons };
    trigger("stand");
  }
  if (!answer.run && before) gone(before);
}

// The visit was forgotten, or the studio was restarted; it may have saved the run. Where there is no
// room for this page it tries again, ever more seldom.
function lost() {
  token = "";
  seen = null;
  setTimeout(() => trigger("lost"), losses ? Math.min(30000, 1000 * 2 ** losses) : 0);
  losses += 1;
}
/** @type {(run: Run) => void} */
function gone(run) {
  const detail =
    "The studio was restarted, or nobody was here for long; press Train to begin anew.";
  tell({ ...run, stage: { ...run.stage, phase: "failed", headline: "This run is gone", detail } });
  known = null;
}

function begin() {
  const now = props.value?.token;
  if (!now || now === token) return;
  token = now;
  ask();
}
document.addEventListener("visibilitychange", ask);
addEventListener("pagehide", () => {
  if (token) navigator.sendBeacon("studio/live", JSON.stringify({ token, leaving: true }));
});
watch("value", begin);
begin();
