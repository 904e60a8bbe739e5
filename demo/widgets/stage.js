// The live view: value {phase, headline, detail, progress, kind, panels: [{caption, picture, sound}]},
// until there is a run of this stage's task; then that of the run.
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
let spokenAt = 0;
let spokenPhase = "";

// A sound that is being listened to is not pulled away; the newest one follows when it ends.
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
  const figure = document.createElement("figure");
  const audio = Object.assign(document.createElement("audio"), {
    controls: true,
    preload: "metadata",
  });
  figure.append(document.createElement("figcaption"), document.createElement("img"), audio);
  for (const event of ["pause", "ended"]) {
    audio.addEventListener(event, () => audio.dataset.next && offer(audio, audio.dataset.next));
  }
  part(".panels").append(figure);
}

function draw() {
  const live = document.abpLive;
  const value = live && live.task === props.task ? live.stage : props.value;
  if (!value) return;
  element.dataset.phase = value.phase;
  part(".headline").textContent = value.headline;
  part(".detail").textContent = value.detail;
  const bar = part(".bar");
  bar.style.visibility = value.phase === "idle" ? "hidden" : "visible";
  bar.setAttribute("aria-valuenow", Math.round(100 * value.progress));
  bar.firstElementChild.style.transform = `scaleX(${value.progress})`;
  const now = Date.now();
  if (value.phase !== spokenPhase || now - spokenAt > 15000) {
    part(".spoken").textContent = value.headline + ". " + value.detail;
    spokenAt = now;
    spokenPhase = value.phase;
  }
  part(".panels").dataset.kind = value.kind;
  while (part(".panels").childElementCount < value.panels.length) addFigure();
  [...part(".panels").children].forEach((figure, i) => {
    const panel = value.panels[i];
    figure.hidden = !panel;
    if (!panel) return;
    figure.querySelector("figcaption").textContent = panel.caption;
    const picture = figure.querySelector("img");
    const source = (calm.matches && panel.still) || panel.picture;
    if (picture.getAttribute("src") !== source) picture.src = source;
    picture.alt = panel.caption;
    const audio = figure.querySelector("audio");
    audio.style.display = panel.sound ? "" : "none";
    audio.setAttribute("aria-label", panel.caption);
    offer(audio, panel.sound);
  });
}
document.addEventListener("abp-live", draw);
draw();
