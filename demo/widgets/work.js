// What was made: value {phase, headline, detail, share}, and when the phase is done also {number, kind,
// repeats: [across, down], panels: [{caption, picture, sound, loop}], facts: [[name, value]], command}.
// Whatever comes after it (idle, working, kept) leaves it in its place.
const figures = [...element.querySelectorAll("figure")];
const buttons = [...element.querySelectorAll(".views button")];
let view = "many";
let shown = null; // the last that was done

function frame() {
  const [across, down] = shown ? shown.repeats : [1, 1];
  const many = across * down > 1;
  part(".views").hidden = !many;
  buttons[0].textContent = `${across} x ${down} tiles`;
  for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.view === view);
  const cut = many && view === "one";
  const box = part(".frame"),
    picture = part(".frame img");
  box.style.aspectRatio = cut
    ? `${picture.naturalWidth / across} / ${picture.naturalHeight / down}`
    : "";
  box.style.maxWidth = cut ? `${picture.naturalWidth / across}px` : "";
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

function fill(value) {
  if (shown && shown.number === value.number) return; // a value may be announced more than once
  shown = value;
  part(".panels").dataset.kind = value.kind;
  part(".panels").dataset.count = value.panels.length;
  figures.forEach((figure, i) => {
    const panel = value.panels[i];
    figure.hidden = !panel;
    if (!panel) return;
    figure.querySelector("figcaption").textContent = panel.caption;
    const picture = figure.querySelector("img"),
      audio = figure.querySelector("audio");
    picture.src = panel.picture;
    picture.alt = panel.caption;
    audio.style.display = panel.sound ? "" : "none";
    audio.setAttribute("aria-label", panel.caption);
    audio.loop = panel.loop;
    if (panel.sound) audio.src = panel.sound;
    else audio.removeAttribute("src");
  });
  part("dl").replaceChildren(
    ...value.facts.flatMap(([name, text]) => {
      const term = document.createElement("dt"),
        detail = document.createElement("dd");
      term.textContent = name;
      detail.textContent = text;
      return [term, detail];
    }),
  );
  part(".again").hidden = !value.command;
  part("textarea").value = value.command;
  part("textarea").style.height = "auto";
  part("textarea").style.height = `${part("textarea").scrollHeight + 2}px`;
  element.dataset.made = (Number(element.dataset.made) || 0) + 1;
  frame();
}

part(".again button").onclick = async (event) => {
  const field = part("textarea");
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select();
    document.execCommand("copy");
  }
  event.target.textContent = "Copied";
  setTimeout(() => {
    event.target.textContent = "Copy";
  }, 1500);
};

let resting = { headline: "", detail: "" }; // what the head says while nothing is made
function draw() {
  const value = props.value;
  if (!value) return;
  const working = value.phase === "working";
  if (value.phase === "done" || (value.phase === "idle" && !shown)) resting = value;
  element.dataset.phase = value.phase;
  const said = working ? value : resting;
  part(".headline").textContent = said.headline;
  part(".detail").textContent = said.detail;
  part(".bar").style.visibility = working ? "visible" : "hidden";
  part(".bar").setAttribute("aria-valuenow", Math.round(100 * value.share));
  part(".bar i").style.transform = `scaleX(${value.share})`;
  if (value.phase === "done") fill(value);
}
for (const figure of figures) figure.hidden = true;
watch("value", draw);
draw();
