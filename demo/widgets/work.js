// What was made: value {phase, headline, detail, share}, and when the phase is done also {number, kind,
// repeats: [across, down], panels: [{caption, picture, sound, loop}], facts: [[name, value]], command}.
// Whatever comes after it (idle, working, kept) leaves it in its place.

const figures = all("figure");
const buttons = all(".views button");
let view = "many";
/** @typedef {{ number: number, kind: string, repeats: [number, number], panels: Panel[],
 *   facts: [string, string][], command: string }} Made */
/** @type {Made} */
let shown = null; // the last that was done
let resting = { headline: "", detail: "" }; // what the head says while nothing is made

// A tile that continues itself is shown as often as it is repeated, or once.
function frame() {
  const [across, down] = shown ? shown.repeats : [1, 1];
  const many = across * down > 1;
  const cut = many && view === "one";
  const picture = part(".frame img");
  const width = picture.naturalWidth / across;
  const height = picture.naturalHeight / down;
  part(".views").hidden = !many;
  buttons[0].textContent = `${across} x ${down} tiles`;
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  part(".frame").style.aspectRatio = cut ? `${width} / ${height}` : "";
  part(".frame").style.maxWidth = cut ? `${width}px` : "";
  picture.style.width = cut ? `${100 * across}%` : "";
  picture.style.maxWidth = cut ? "none" : "";
}
for (const button of buttons) {
  button.onclick = () => {
    view = button.dataset.view;
    frame();
  };
}
part(".frame img").onload = frame;

/** @type {(value: Made) => void} */
function fill(value) {
  if (shown && shown.number === value.number) return; // a value may be announced more than once
  shown = value;
  part(".panels").dataset.kind = value.kind;
  part(".panels").dataset.count = String(value.panels.length);
  figures.forEach((figure, i) => {
    const panel = value.panels[i];
    fillFigure(figure, panel);
    if (!panel) return;
    const audio = part("audio", figure);
    part("img", figure).src = panel.picture;
    audio.loop = panel.loop;
    if (panel.sound) audio.src = panel.sound;
    else audio.removeAttribute("src");
  });
  part("dl").replaceChildren(
    ...value.facts.flatMap(([name, text]) => [
      make("dt", { textContent: name }),
      make("dd", { textContent: text }),
    ]),
  );
  const command = part("textarea");
  part(".again").hidden = !value.command;
  command.value = value.command;
  command.style.height = "auto";
  command.style.height = `${command.scrollHeight + 2}px`;
  element.dataset.made = String((Number(element.dataset.made) || 0) + 1);
  frame();
}

part(".again button").onclick = async () => {
  const button = part(".again button");
  const command = part("textarea");
  try {
    await navigator.clipboard.writeText(command.value);
  } catch {
    command.select();
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
};

function draw() {
  const value = props.value;
  if (!value) return;
  const working = value.phase === "working";
  if (value.phase === "done" || (value.phase === "idle" && !shown)) resting = value;
  const said = working ? value : resting;
  element.dataset.phase = value.phase;
  part(".headline").textContent = said.headline;
  part(".detail").textContent = said.detail;
  part(".bar").style.visibility = working ? "visible" : "hidden";
  fillBar(part(".bar"), value.share);
  if (value.phase === "done") fill(value);
}
for (const figure of figures) figure.hidden = true;
watch("value", draw);
draw();
