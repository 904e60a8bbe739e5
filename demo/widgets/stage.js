// The live view: value {phase, headline, detail, progress, kind, panels: [{caption, picture, sound}]},
// until there is a run of this stage's task; then that of the run. props.replay: whether there is one.

const SILENCE = 15000; // milliseconds between two sentences that are read out, unless the phase changes

let spokenAt = 0;
let spokenPhase = "";

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
  while (part(".panels").childElementCount < value.panels.length)
    part(".panels").append(newFigure());
  all(".panels > figure").forEach((figure, i) => {
    const now = value.panels[i];
    const panel = now && asItWas(now, i);
    showPanel(figure, panel);
    if (panel) figure.classList.toggle("past", panel !== now);
  });
}
document.addEventListener("abp-live", draw);
draw();
