// Cards that can be chosen and, of sounds, heard: shared by the gallery and the picker.
const audio = element.querySelector("audio");
let playing = null;

function settle(button, on) {
  button.textContent = on ? "❚❚" : "▶";
  button.setAttribute("aria-label", (on ? "Pause " : "Listen to ") + button.dataset.label);
}
function silence() {
  audio.pause();
  if (playing) settle(playing, false);
  playing = null;
}
audio.addEventListener("ended", silence);

function listenTo(card) {
  const listen = document.createElement("button");
  listen.type = "button";
  listen.className = "listen";
  listen.dataset.label = card.label;
  settle(listen, false);
  listen.onclick = () => {
    const again = playing === listen;
    silence();
    if (again) return;
    audio.src = card.sound;
    audio.play().catch(silence);
    playing = listen;
    settle(listen, true);
  };
  return listen;
}
// card: {name, label, picture, sound}; title: what a pointer that rests on it is told.
function cellOf(card, title, choose) {
  const cell = document.createElement("div");
  cell.className = "cell";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "card";
  button.dataset.key = card.name;
  button.setAttribute("role", "radio");
  button.title = title;
  const picture = document.createElement("img");
  picture.src = card.picture;
  picture.alt = "";
  const label = document.createElement("span");
  label.textContent = card.label;
  button.append(picture, label);
  button.onclick = choose;
  cell.append(button, ...(card.sound ? [listenTo(card)] : []));
  return cell;
}
