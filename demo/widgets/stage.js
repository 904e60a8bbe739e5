// The live view: value {phase, headline, detail, progress, kind, panels: [{caption, picture, sound}]},
// until there is a run of this stage's task; then that of the run. props.replay: whether there is one.

const SILENCE = 15000; // milliseconds between two sentences that are read out, unless the phase changes

let spokenAt = 0;
let spokenPhase = "";

// A sound that is being listened to is not pulled away; the newest one follows when it ends.
/** @type {(audio: Part, sound: string) => void} */
function offer(audio, sound) {
  if (!sound || audio.dataset.shown === sound) return;
  if (!audio.paused && !audio.ended) {
    audio.dataset.next = sound;
    return;
  }
  audio.dataset.shown = sound;
  delete audio.dataset.next;
  audio.src = sound;
}
function addFigure() {
  const audio = make("audio", { controls: true, preload: "metadata" });
  for (const event of ["pause", "ended"]) {
    audio.addEventListener(event, () => audio.dataset.next && offer(audio, audio.dataset.next));
  }
  part(".panels").append(make("figure", {}, make("figcaption"), make("img"), audio));
}

function draw() {
  /** @type {Stage} */
  const value = liveRun()?.stage || props.value;
  if (!value) return;
  element.dataset.phase = value.phase;
  part(".headline").textContent = value.headline;
  part(".detail").textContent = value.detail;
  part(".bar").style.visibility = value.phase === "idle" ? "hidden" : "visible";
  fillBar(part(".bar"), value.progress);
  const now = Date.now();
  if (value.phase !== spokenPhase || now - spokenAt > SILENCE) {
    say(`${value.headline}. ${value.detail}`);
    spokenAt = now;
    spokenPhase = value.phase;
  }
  drawReplay(value.frames);
  part(".panels").dataset.kind = value.kind;
  while (part(".panels").childElementCount < value.panels.length) addFigure();
  all(".panels > figure").forEach((figure, i) => {
    const now = value.panels[i];
    const panel = now && asItWas(now, i);
    fillFigure(figure, panel);
    if (!panel) return;
    figure.classList.toggle("past", panel !== now);
    const picture = part("img", figure);
    const source = (calm.matches && panel.still) || panel.picture;
    if (picture.getAttribute("src") !== source) picture.src = source;
    offer(part("audio", figure), panel.sound);
  });
}
document.addEventListener("abp-live", draw);
draw();
