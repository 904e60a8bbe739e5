// What the visitor's run does, asked of the studio now and then and told to the whole page.
// value {token, buttons}. Whoever draws a run listens to the event "abp-live" of the document; the
// newest is in document.abpLive. Triggers "stand" when buttons shall stand otherwise, and "lost"
// when the studio does not know this visit any more.
const LOOKING = 400,
  IDLE = 2000,
  HIDDEN = 10000,
  SILENT = 3000; // milliseconds until it asks again
const WORKING = ["starting", "running", "paused"];
let token = "",
  seen = null,
  known = null,
  stood = "",
  failures = 0,
  losses = 0,
  timer = 0,
  asking = false;

function say(sentence) {
  const line = part(".live");
  if (line.textContent !== sentence) line.textContent = sentence;
  line.hidden = !sentence;
}
function tell(run) {
  known = run;
  document.abpLive = run;
  document.dispatchEvent(new CustomEvent("abp-live", { detail: run }));
}
function later() {
  clearTimeout(timer);
  const working = known && WORKING.includes(known.stage.phase);
  const wait = failures ? SILENT : document.hidden ? HIDDEN : working ? LOOKING : IDLE;
  timer = setTimeout(ask, wait);
}
const request = (more) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ token, seen, ...more }),
});

async function ask() {
  if (!token || asking) return;
  asking = true;
  try {
    const reply = await fetch("studio/live", request({ hidden: document.hidden }));
    if (!reply.ok) throw new Error(reply.status);
    if (failures) say("");
    failures = 0;
    if (reply.status === 200) heard(await reply.json());
  } catch {
    failures += 1;
    if (failures > 1) say("The studio does not answer just now; this page asks again by itself.");
  }
  asking = false;
  later();
}
function heard(answer) {
  if (answer.unknown) return lost();
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
function gone(run) {
  const detail =
    "The studio was restarted, or nobody was here for long; press Train to begin anew.";
  tell({ ...run, stage: { ...run.stage, phase: "failed", headline: "This run is gone", detail } });
  known = null;
}
function begin() {
  const now = (props.value || {}).token;
  if (!now || now === token) return;
  token = now;
  ask();
}
document.addEventListener("visibilitychange", () => {
  if (token) {
    clearTimeout(timer);
    ask();
  }
});
addEventListener("pagehide", () => {
  if (token) navigator.sendBeacon("studio/live", JSON.stringify({ token, leaving: true }));
});
watch("value", begin);
begin();
