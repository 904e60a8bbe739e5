// A picture, a sound and a film that change while they are looked at: shared by what shows runs.

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

/** @typedef {{ film: string, still: string }} Moving */
/** @type {WeakMap<Part, { now: string, next: Moving | null }>} */
const films = new WeakMap(); // what each of them shows, and what follows when it has come round

/** @type {(video: Part, film: string, still: string) => void} */
function offerFilm(video, film, still) {
  const known = films.get(video) ?? { now: "", next: null };
  films.set(video, known);
  known.next = null;
  if (film === known.now) return;
  if (film && !video.paused) {
    known.next = { film, still };
    return;
  }
  known.now = film;
  putFilm(video, film, still);
}
/** @type {(video: Part) => void} */
function beginAgain(video) {
  const known = films.get(video);
  if (known?.next) {
    known.now = known.next.film;
    putFilm(video, known.next.film, known.next.still);
    known.next = null;
  } else video.currentTime = 0;
  video.play().catch(() => {}); // a browser that plays nothing by itself has the button
}
// Films side by side come round together.
/** @type {(ended: Part) => void} */
function comeRound(ended) {
  for (const video of all("video")) if (video === ended || !video.paused) beginAgain(video);
}
/** @type {() => Part} */
function newVideo() {
  const video = make("video", { muted: true, defaultMuted: true, playsInline: true });
  video.controls = true;
  video.autoplay = !calm.matches;
  video.onended = () => comeRound(video);
  return video;
}

/** @type {() => Part} */
function newFigure() {
  const audio = make("audio", { controls: true, preload: "metadata" });
  for (const event of ["pause", "ended"]) {
    audio.addEventListener(event, () => audio.dataset.next && offer(audio, audio.dataset.next));
  }
  return make("figure", {}, make("figcaption"), make("img"), newVideo(), audio);
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
  offerFilm(part("video", figure), panel.film || "", panel.picture);
}
