// What the scripts of all widgets share, before each of them.

/** @returns {Part} */
const part = (selector) => /** @type {Part} */ (element.querySelector(selector));
/** @returns {Part[]} */
const all = (selector) => [.../** @type {any} */ (element.querySelectorAll(selector))];

/** @returns {any} */
function make(tag, fields = {}, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

// Matches where the visitor wants nothing to move by itself.
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// Shows the sentence of a refusal, or none; whether there is one.
function refuse(sentence) {
  part(".refusal").textContent = sentence || "";
  part(".refusal").hidden = !sentence;
  return Boolean(sentence);
}

// Says it to whoever reads the page or hears it.
function say(sentence) {
  part(".spoken").textContent = sentence;
}

// How much is done, as a share of 1.
function fillBar(bar, share) {
  bar.setAttribute("aria-valuenow", Math.round(100 * share));
  bar.firstElementChild.style.transform = `scaleX(${share})`;
}

// A figure with a picture and maybe a sound, hidden where there is no panel.
function fillFigure(figure, /** @type {Panel | undefined} */ panel) {
  figure.hidden = !panel;
  if (!panel) return;
  figure.querySelector("figcaption").textContent = panel.caption;
  figure.querySelector("img").alt = panel.caption;
  const audio = figure.querySelector("audio");
  audio.style.display = panel.sound ? "" : "none";
  audio.setAttribute("aria-label", panel.caption);
}

// Which way an arrow key points, if it is one: {x, y} with y downwards.
function arrow(event) {
  const x = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
  const y = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
  return x || y ? { x, y } : null;
}

// Whether it is the one of its row that is chosen; the Tab key stops there only.
function choose(choice, on) {
  choice.setAttribute("aria-checked", String(on));
  choice.tabIndex = on ? 0 : -1;
}

// In a row of choices the arrow keys go from one to the next, around at the ends, and take it.
function rove(row, choice) {
  row.addEventListener("keydown", (event) => {
    const move = arrow(event);
    const choices = [...row.querySelectorAll(choice)];
    const at = choices.indexOf(event.target);
    if (!move || at < 0) return;
    event.preventDefault();
    const next = choices[(at + move.x + move.y + choices.length) % choices.length];
    next.focus();
    next.click();
  });
}

// The visitor's run if it is one of this widget's task, else nothing.
const liveRun = () => (document.abpLive?.task === props.task ? document.abpLive : null);
