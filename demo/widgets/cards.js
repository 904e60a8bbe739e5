// Cards that can be chosen and, of sounds, heard; films move under the hand: shared by the gallery and
// the picker.
// props.cards lists them.

/** @type {{ [kind: string]: string }} */
const TITLES = { objects: "Picture sets", texture: "Textures", sound: "Sounds", film: "Films" };
const player = part("audio");
/** @type {Part} */
let heard = null; // the button of the sound that plays

/** @type {(button: Part, on: boolean) => void} */
function settle(button, on) {
  button.textContent = on ? "❚❚" : "▶";
  button.setAttribute("aria-label", `${on ? "Pause" : "Listen to"} ${button.dataset.label}`);
}
function silence() {
  player.pause();
  if (heard) settle(heard, false);
  heard = null;
}
player.addEventListener("ended", silence);

/** @type {(card: Card) => Part} */
function listenTo(card) {
  const listen = make("button", { type: "button", className: "listen" });
  listen.dataset.label = card.label;
  settle(listen, false);
  listen.onclick = () => {
    const again = heard === listen;
    silence();
    if (again) return;
    player.src = card.sound;
    player.play().catch(silence);
    heard = listen;
    settle(listen, true);
  };
  return listen;
}

// A film plays over the picture of its card, where things may move by themselves.
/** @type {(button: Part, film: string) => void} */
function playOn(button, film) {
  if (calm.matches || part("video", button)) return;
  const video = make("video", { muted: true, loop: true, playsInline: true, src: film });
  video.setAttribute("aria-hidden", "true");
  button.prepend(video);
  video.play().catch(() => video.remove());
}
/** @type {(button: Part) => void} */
const stillOn = (button) => part("video", button)?.remove();

// As long as a hand or the focus is on it.
/** @type {(button: Part, film: string) => void} */
function moveUnder(button, film) {
  for (const event of ["pointerenter", "focus"]) {
    button.addEventListener(event, () => playOn(button, film));
  }
  for (const event of ["pointerleave", "blur"]) {
    button.addEventListener(event, () => {
      if (!button.matches(":hover, :focus")) stillOn(button);
    });
  }
}

/** @type {(kind: string) => Card[]} */
const cardsOf = (kind) => props.cards.filter((/** @type {Card} */ card) => card.kind === kind);

// title: what a pointer that rests on it is told. move: when a film plays.
/** @type {(card: Card, title: string, onclick: () => void, move?: (button: Part, film: string) => void) => Part} */
function cellOf(card, title, onclick, move = moveUnder) {
  const picture = make("img", { src: card.picture, alt: "" });
  const label = make("span", { textContent: card.label });
  const button = make("button", { type: "button", className: "card", title, onclick });
  button.dataset.key = card.name;
  button.setAttribute("role", "radio");
  button.append(picture, label);
  if (card.film) move(button, card.film);
  return make("div", { className: "cell" }, button, ...(card.sound ? [listenTo(card)] : []));
}

// Marks the card of that name; the Tab key stops there, or at the first where there is none.
/** @type {(name: string) => void} */
function markCard(name) {
  const cards = all(".card");
  for (const card of cards) choose(card, card.dataset.key === name);
  if (cards.length && !cards.some((card) => card.dataset.key === name)) cards[0].tabIndex = 0;
}
rove(part(".cards"), ".card");
