// Six steps that teach the method, a card each. props.steps: {title, words, task, formula, place}.
// The browser remembers the step, and whether they were put away.

const MEMORY = "abp-lesson";
const QUESTION = "How does it work?";
const steps = part(".steps");
let at = 0;
let away = false;

function remember() {
  try {
    localStorage.setItem(MEMORY, JSON.stringify({ at, away }));
  } catch {
    // A browser that keeps nothing begins anew.
  }
}
function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(MEMORY)) || {};
    away = kept.away === true;
    if (Number.isInteger(kept.at) && props.steps[kept.at]) at = kept.at;
  } catch {
    // Nothing was kept, or nothing of ours.
  }
}

// Goes to the prepared state as Back and Forward do; another window or tab takes it as a link.
/** @type {(event: MouseEvent, place: string) => void} */
function go(event, place) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  remember();
  history.pushState(history.state, "", location.pathname + place);
  dispatchEvent(new PopStateEvent("popstate"));
  const behavior = calm.matches ? "auto" : "smooth";
  document.querySelector("#abp-tabs").scrollIntoView({ behavior, block: "start" });
}

/** @type {(step: any, i: number) => Part} */
function cardOf({ title, words, task, formula, place }, i) {
  const link = make("a", { className: "go", href: place, textContent: "Take me there" });
  link.onclick = (/** @type {MouseEvent} */ event) => go(event, place);
  const more = make(
    "p",
    { className: "formula", hidden: true },
    make("code", { textContent: formula }),
  );
  const show = make("button", { type: "button", textContent: "The formula" });
  show.setAttribute("aria-expanded", "false");
  show.onclick = () => {
    more.hidden = !more.hidden;
    show.setAttribute("aria-expanded", String(!more.hidden));
  };
  const close = make("button", { type: "button", textContent: "Close", onclick: fold });
  return make(
    "article",
    {},
    make("h2", { textContent: `${i + 1}. ${title}` }),
    make("p", { textContent: words }),
    make("p", { className: "task", textContent: task }),
    make("div", { className: "row" }, link, show, close),
    more,
    make("p", { className: "place", textContent: link.href }),
  );
}

/** @type {(i: number) => void} */
function turnTo(i) {
  at = i;
  away = false;
  remember();
  draw();
}
function numbersOf() {
  const row = make("div", { className: "numbers" });
  row.setAttribute("role", "radiogroup");
  row.setAttribute("aria-label", "Step");
  props.steps.forEach((/** @type {any} */ step, /** @type {number} */ i) => {
    const onclick = () => turnTo(i);
    const button = make("button", {
      type: "button",
      textContent: i + 1,
      title: step.title,
      onclick,
    });
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", `Step ${i + 1}: ${step.title}`);
    row.append(button);
  });
  rove(row, "button");
  return row;
}

function draw() {
  all("article").forEach((card, i) => {
    card.hidden = i !== at;
  });
  for (const [i, button] of all(".numbers button").entries()) choose(button, i === at);
  const open = !steps.hidden;
  const how =
    at || open ? `${QUESTION} Step ${at + 1} of ${props.steps.length}` : `${QUESTION} Six steps`;
  part(".open").textContent = away ? "Six steps" : how;
  part(".open").setAttribute("aria-expanded", String(open));
  part(".dismiss").hidden = away;
}

function fold() {
  steps.hidden = !steps.hidden;
  away = false;
  remember();
  draw();
  if (steps.hidden) part(".open").focus({ preventScroll: true });
}
part(".open").onclick = fold;
steps.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") fold();
});
part(".dismiss").onclick = () => {
  steps.hidden = true;
  away = true;
  remember();
  draw();
  part(".open").focus();
};
recall();
steps.append(numbersOf(), ...props.steps.map(cardOf));
draw();
