// A picture and a sound that change while they are looked at: shared by what shows runs.

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
/** @type {() => Part} */
function newFigure() {
  const audio = make("audio", { controls: true, preload: "metadata" });
  for (const event of ["pause", "ended"]) {
    audio.addEventListener(event, () => audio.dataset.next && offer(audio, audio.dataset.next));
  }
  return make("figure", {}, make("figcaption"), make("img"), audio);
}
// Shows a panel in a figure, which is hidden where there is none.
/** @type {(figure: Part, panel?: Panel) => void} */
function showPanel(figure, panel) {
  fillFigure(figure, panel);
  if (!panel) return;
  const picture = part("img", figure);
  const source = (calm.matches && panel.still) || panel.picture;
  if (picture.getAttribute("src") !== source) picture.src = source;
  offer(part("audio", figure), panel.sound);
}
