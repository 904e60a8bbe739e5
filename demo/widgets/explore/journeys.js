// Points that are kept, and the way from one to the next: a strip, a panel, a film or a sound.

/** @type {{ [what: string]: number }} */
const NEEDED = { strip: 2, panel: 4, film: 2 }; // points; a panel has its corners

/** @type {{ point: Point, picture: string }[]} */
let kept = [];

/** @type {(kept: { picture: string }, i: number) => Part} */
function keptBox({ picture }, i) {
  const drop = make("button", { type: "button", textContent: "×" });
  drop.setAttribute("aria-label", `Let point ${i + 1} go`);
  drop.onclick = () => {
    kept.splice(i, 1);
    drawKept();
  };
  const box = make("span", {}, make("img", { src: picture, alt: `Point ${i + 1}` }), drop);
  box.setAttribute("role", "listitem");
  return box;
}

function drawKept() {
  const sound = model.kind === "sound";
  part(".kept").replaceChildren(...kept.map(keptBox));
  for (const button of all("button[data-what]")) {
    const { what } = button.dataset;
    button.disabled = kept.length < NEEDED[what];
    button.hidden = sound && what !== "strip";
    if (what === "strip") button.textContent = sound ? "Sound from one to the next" : "Strip";
  }
  part(".keep").disabled = kept.length >= bounds.kept;
}

part(".keep").onclick = () => {
  if (!shown) return;
  kept.push({ point, picture: shown.picture });
  drawKept();
  say(
    kept.length < 2
      ? "One point is kept; keep another one to go from one to the next."
      : `${kept.length} points are kept.`,
  );
};

/** @type {(what: string) => Promise<void>} */
async function travel(what) {
  const asked = model;
  say("Making it …");
  for (const button of all("button[data-what]")) button.disabled = true;
  const answer = await ask("journey", { what, points: kept.map((each) => each.point) });
  if (asked !== model) return;
  drawKept();
  say(answer.refusal || "");
  if (answer.refusal) return;
  part(".way").hidden = false;
  part(".way").dataset.what = what;
  part(".way img").src = answer.picture;
  const audio = part(".way audio");
  audio.style.display = answer.sound ? "" : "none";
  if (answer.sound) audio.src = answer.sound;
  part(".way a").href = answer.file;
  part(".way a").download = answer.name;
}
for (const button of all("button[data-what]")) {
  button.onclick = () => travel(button.dataset.what);
}

function putJourneys() {
  kept = [];
  part(".way").hidden = true;
  drawKept();
}
