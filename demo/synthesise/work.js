// What was made: value {phase, key, headline, detail, share}, and when the phase is done also {number,
// kind, repeats: [across, down], panels: [{caption, picture, sound, loop, breadth}], compared, facts:
// [[name, value]], command}. Whatever comes after it (idle, working, kept) leaves it in its place, unless it is of
// another model, whose key is another.

const figures = all("figure");
const buttons = all(".views button");
let view = "many";
/** @typedef {{ number: number, key: string, kind: string, repeats: [number, number],
 *   panels: (Panel & { breadth: number })[], compared: boolean, facts: [string, string][],
 *   command: string }} Made */
/** @type {Made} */
let shown = null; // the last that was done
/** @type {boolean | null} */
let comparing = null; // whether the original is to stand beside it, once somebody has said so
let resting = { headline: "", detail: "" }; // what the head says while nothing is made

// A tile that continues itself is shown as often as it is repeated, or once.
function frame() {
  const [across, down] = shown ? shown.repeats : [1, 1];
  const many = across * down > 1;
  const cut = many && (view === "one" || view === "half");
  const exact = many && view === "exact";
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
  // Half a tile, so that what was its edge lies in the middle.
  const [right, below] = [across, down].map((n) => (n > 1 ? -50 / n : 0));
  picture.style.transform = view === "half" && cut ? `translate(${right}%, ${below}%)` : "";
  part(".frame").classList.toggle("exact", exact);
  if (exact) part(".frame").tabIndex = 0;
  else part(".frame").removeAttribute("tabindex");
}
for (const button of buttons) {
  button.onclick = () => {
    view = button.dataset.view;
    frame();
  };
}
part(".frame img").onload = () => {
  part(".panels").style.setProperty("--wide", `${part(".frame img").naturalWidth}px`);
  frame();
};

// The original of a texture stands beside what was made of it, at the same scale, or not.
function compare() {
  const breadth = shown?.panels[1]?.breadth;
  const on = Boolean(breadth && (comparing ?? shown.compared));
  part(".compare").hidden = !breadth;
  part(".compare").setAttribute("aria-pressed", String(on));
  part(".panels").classList.toggle("compared", on);
  if (!breadth) return;
  part(".panels").style.setProperty("--breadth", String(breadth));
  part(".panels").dataset.count = on ? "2" : "1";
  figures[1].hidden = !on;
}
part(".compare").onclick = () => {
  comparing = part(".compare").getAttribute("aria-pressed") !== "true";
  compare();
};

// A film moves by itself where that is wanted, and else waits for its button.
/** @type {(video: Part, panel: Panel) => void} */
function playFilm(video, panel) {
  putFilm(video, panel.film || "", panel.picture);
  if (panel.film && !calm.matches) video.play().catch(() => {});
}

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
    playFilm(part("video", figure), panel);
    audio.loop = panel.loop;
    if (panel.sound) audio.src = panel.sound;
    else audio.removeAttribute("src");
  });
  compare();
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

function clear() {
  shown = null;
  for (const figure of figures) {
    figure.hidden = true;
    part("img", figure).removeAttribute("src");
    part("audio", figure).removeAttribute("src");
    putFilm(part("video", figure), "", "");
  }
  compare();
  part("dl").replaceChildren();
  part(".again").hidden = true;
  frame();
}

part(".again button").onclick = async () => {
  const button = part(".again button");
  const command = part("textarea");
  let copied = true;
  try {
    await navigator.clipboard.writeText(command.value);
  } catch {
    command.select();
    copied = document.execCommand("copy");
  }
  button.textContent = copied ? "Copied" : "Press Ctrl-C";
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
};

function draw() {
  const value = props.value;
  if (!value) return;
  if (shown && value.key && value.key !== shown.key) clear();
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
clear();
watch("value", draw);
draw();
