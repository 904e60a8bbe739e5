// Points that are kept, and the way from one to the next: a strip, a panel, a film or a sound.

/** @type {{ [what: string]: number }} */
const NEEDED = { strip: 2, panel: 4, film: 2 }; // points; a panel has its corners

/** @type {{ point: Point, picture: string }[]} */
let kept = [];
let travelling = false;

/** @type {(kept: { picture: string }, i: number) => Part} */
function keptBox({ picture }, i) {
  const drop = make("button", { type: "button", textContent: "×" });
  drop.setAttribute("aria-label", `Let point ${i + 1} go`);
  drop.onclick = () => {
    kept.splice(i, 1);
    drawKept();
    const left = all(".kept button");
    (left[Math.min(i, left.length - 1)] ?? part(".keep")).focus({ preventScroll: true });
    say(`Point ${i + 1} is let go.`);
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
    const short = kept.length < NEEDED[what];
    disable(button, short, part(".keep"));
    button.hidden = sound && what !== "strip";
    if (what === "strip") button.textContent = sound ? "Sound from one to the next" : "Strip";
  }
  disable(part(".keep"), kept.length >= bounds.kept, part('button[data-what="strip"]'));
  drawPlane();
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
  if (travelling) return;
  travelling = true; // the button stays as it is, and keeps the focus
  const asked = model;
  say("Making it …");
  const answer = await ask("journey", { what, points: kept.map((each) => each.point) });
  travelling = false;
  if (asked !== model) return;
  drawKept();
  say(answer.refusal || "");
  if (answer.refusal) return;
  part(".way").hidden = false;
  part(".way").dataset.what = what;
  putWay(answer);
  part(".way a").href = answer.file;
  part(".way a").download = answer.name;
}

// A film is shown in the place of its first picture, and plays unless nothing is to move by itself.
/** @type {(way: { picture: string, film?: string, sound?: string }) => void} */
function putWay({ picture, film = "", sound = "" }) {
  const [still, moving, audio] = ["img", "video", "audio"].map((tag) => part(`.way ${tag}`));
  still.hidden = Boolean(film);
  moving.hidden = !film;
  audio.style.display = sound ? "" : "none";
  still.src = picture;
  moving.pause();
  moving.autoplay = !calm.matches;
  if (film) Object.assign(moving, { poster: picture, src: film });
  if (sound) audio.src = sound;
}

for (const button of all("button[data-what]")) {
  button.onclick = () => travel(button.dataset.what);
}

function putJourneys() {
  kept = [];
  part(".way").hidden = true;
  part(".way video").pause();
  drawKept();
}
