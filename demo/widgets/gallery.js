// The shipped models: value {name, ready}. Until the page is ready, that is known to the studio, a
// choice waits. A name of null: a choice was refused, and the one before stays; an empty one: a model
// of the visitor's own. props.own: what the address calls that. They stand on a strip that unfolds,
// and folds again when one is chosen.

let waiting = "";
let current = "";
let asked = ""; // what was picked last, until the studio has answered
let settled = false; // whether a model was current before

/** @type {(open: boolean) => void} */
function unfold(open) {
  part(".strip").toggleAttribute("data-open", open);
  part(".unfold").setAttribute("aria-expanded", String(open));
  part(".unfold").textContent = open ? "Fold" : "All models";
  if (!open) silence();
  bringCurrent();
}

// The card that is marked stands within the strip.
function bringCurrent() {
  const strip = part(".cards");
  const card = part('.card[aria-checked="true"]');
  if (!card) return;
  const [box, around] = [card, strip].map((each) => each.getBoundingClientRect());
  strip.scrollLeft += box.left - around.left - (around.width - box.width) / 2;
}

/** @type {(name: string) => void} */
function mark(name) {
  markCard(name);
  bringCurrent();
}

/** @type {(name: string) => void} */
function pick(name) {
  const ready = Boolean(props.value.ready);
  asked = name;
  part(".said").hidden = true;
  if (!ready) waiting = name;
  props.value = { name, ready, asking: true }; // or an answer that agrees would go unnoticed
  mark(name);
  if (ready) trigger("pick");
}

/** @type {(name: string) => void} */
function take(name) {
  pick(name);
  unfold(false);
}

function arrived() {
  const refused = props.value.name === null;
  if (refused) {
    props.value = { ...props.value, name: current };
    asked = "";
  } else if (props.value.ready && !waiting) current = props.value.name;
  if (waiting && props.value.ready) {
    const name = waiting;
    waiting = "";
    pick(name);
    return;
  }
  mark(props.value.name);
  if (props.value.ready && (settled || !refused)) writeModel();
}

// What belongs to another model leaves the address with it.
function writeModel() {
  const name = current || props.own;
  if (asked && asked !== name) return; // another choice is under way
  asked = "";
  const before = stated("model");
  if (before && before !== name) state({ model: name, example: null, point: null }, settled);
  else state({ model: name });
  settled = true;
}

// The model to which Back, Forward or a step of the lesson leads, maybe before the page has its first;
// one of the visitor's own cannot be led to.
function returnTo() {
  const name = stated("model");
  const now = asked || current || (settled ? props.own : "");
  if (name === now) return;
  if (props.cards.some((/** @type {Card} */ card) => card.name === name)) {
    pick(name);
    return;
  }
  if (!settled) return; // what the address says now is answered with the first model
  state({ model: now, example: null, point: null });
  part(".said").textContent =
    "The model of that step was your own, which no address holds: open its file, or use your run again.";
  part(".said").hidden = false;
}

// Films move where they are seen, until they are told to stop or nothing may move.
/** @type {Map<Part, string>} */
const films = new Map();
let moving = true;
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) settleFilm(/** @type {Part} */ (entry.target), entry.isIntersecting);
});

/** @type {(button: Part, inSight: boolean) => void} */
function settleFilm(button, inSight) {
  if (inSight && moving && !calm.matches) playOn(button, films.get(button) ?? "");
  else stillOn(button);
}

/** @type {(button: Part, film: string) => void} */
function moveInSight(button, film) {
  films.set(button, film);
  seen.observe(button);
}

// The observer tells of all that it is asked about anew.
function settleFilms() {
  for (const button of films.keys()) {
    seen.unobserve(button);
    seen.observe(button);
  }
}
calm.addEventListener("change", settleFilms);

/** @type {() => Part} */
function stopButton() {
  const stop = make("button", { type: "button", className: "stop" });
  const say = () => {
    stop.textContent = moving ? "❚❚" : "▶";
    stop.setAttribute("aria-label", moving ? "Hold the gallery still" : "Let the gallery move");
  };
  stop.onclick = () => {
    moving = !moving;
    say();
    settleFilms();
  };
  say();
  return stop;
}

/** @type {(group: [kind: string, title: string]) => Part} */
function groupOf([kind, title]) {
  const heading = make("h2", { textContent: title });
  if (kind === "film") heading.append(stopButton());
  const cells = cardsOf(kind).map((card) =>
    cellOf(card, card.facts, () => take(card.name), moveInSight),
  );
  return make("div", { className: "group" }, heading, make("div", {}, ...cells));
}

part(".cards").replaceChildren(
  ...Object.entries(TITLES)
    .filter(([kind]) => cardsOf(kind).length)
    .map(groupOf),
);
part(".unfold").onclick = () => unfold(!part(".strip").hasAttribute("data-open"));
mark(props.value?.name);
watch("value", arrived);
addEventListener("popstate", returnTo);
