// What the scripts of all widgets share, before each of them.

// The part of the widget, or of one of its parts, that a selector finds; and all of them.
/** @type {(selector: string, within?: Element) => Part} */
const part = (selector, within = element) => within.querySelector(selector);
/** @type {(selector: string, within?: Element) => Part[]} */
const all = (selector, within = element) => [...within.querySelectorAll(selector)];

/** @type {(tag: string, fields?: object, ...children: (Node | string)[]) => any} */
function make(tag, fields = {}, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

// Matches where the visitor wants nothing to move by itself.
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

/** @type {(x: number, low: number, high: number) => number} */
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// Shows the sentence of a refusal, or none; whether there is one.
/** @type {(sentence: string) => boolean} */
function refuse(sentence) {
  part(".refusal").textContent = sentence || "";
  part(".refusal").hidden = !sentence;
  return Boolean(sentence);
}

// Says it to whoever reads the page or hears it.
/** @type {(sentence: string) => void} */
function say(sentence) {
  part(".spoken").textContent = sentence;
}

// A button that is disabled under the hand passes the focus on.
/** @type {(button: Part, off: boolean, next: Part) => void} */
function disable(button, off, next) {
  if (off && document.activeElement === button) next.focus({ preventScroll: true });
  button.disabled = off;
}

// How much is done, as a share of 1.
/** @type {(bar: Part, share: number) => void} */
function fillBar(bar, share) {
  bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  part("i", bar).style.transform = `scaleX(${share})`;
}

// A figure with a picture and maybe a sound, or with a film, hidden where there is no panel.
/** @type {(figure: Part, panel?: Panel) => void} */
function fillFigure(figure, panel) {
  figure.hidden = !panel;
  if (!panel) return;
  part("figcaption", figure).textContent = panel.caption;
  part("img", figure).alt = panel.caption;
  const audio = part("audio", figure);
  audio.style.display = panel.sound ? "" : "none";
  audio.setAttribute("aria-label", panel.caption);
  const video = part("video", figure);
  video.style.display = panel.film ? "" : "none";
  video.setAttribute("aria-label", panel.caption);
  part("img", figure).style.display = panel.film ? "none" : "";
}

// Where a film lies that came as a data URL, which not every browser plays.
/** @type {(film: string) => string} */
function addressOf(film) {
  if (!film.startsWith("data:")) return film;
  const bytes = Uint8Array.from(atob(film.split(",")[1]), (c) => c.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
}

// Puts a film in the place of another, or of none; an empty one takes it away. still: its first frame.
/** @type {(video: Part, film: string, still: string) => void} */
function putFilm(video, film, still) {
  const before = video.src;
  if (film) {
    video.poster = still;
    video.src = addressOf(film);
  } else if (before) {
    video.removeAttribute("src");
    video.load();
  }
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
}

// Which way an arrow key points, if it is one: {x, y} with y downwards.
/** @type {(event: KeyboardEvent) => { x: number, y: number } | null} */
function arrow(event) {
  const x = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
  const y = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
  return x || y ? { x, y } : null;
}

// Whether it is the one of its row that is chosen; the Tab key stops there only.
/** @type {(choice: Part, on: boolean) => void} */
function choose(choice, on) {
  choice.setAttribute("aria-checked", String(on));
  choice.tabIndex = on ? 0 : -1;
}

// In a row of choices the arrow keys go from one to the next, around at the ends, and take it.
/** @type {(row: Part, choice: string) => void} */
function rove(row, choice) {
  row.addEventListener("keydown", (event) => {
    const move = arrow(event);
    const choices = all(choice, row);
    const at = choices.indexOf(/** @type {Part} */ (event.target));
    if (!move || at < 0) return;
    event.preventDefault();
    const next = choices[(at + move.x + move.y + choices.length) % choices.length];
    next.focus();
    next.click();
  });
}

// The visitor's run if it is one of this widget's task, else nothing.
const liveRun = () => document.abpLive?.[props.task] ?? null;
