// The shipped models: value {name, ready}; props.cards lists them. Until the page is ready, that is
// known to the studio, a choice waits. A name of null: a choice was refused, and the one before stays.
const KINDS = [
  ["objects", "Picture sets"],
  ["texture", "Textures"],
  ["sound", "Sounds"],
];
const shelf = element.querySelector(".cards");

const cards = () => [...shelf.querySelectorAll(".card")];
function mark() {
  const name = (props.value || {}).name;
  const known = cards().some((card) => card.dataset.key === name);
  cards().forEach((card, i) => {
    const on = card.dataset.key === name;
    card.setAttribute("aria-checked", on);
    card.tabIndex = on || (!known && i === 0) ? 0 : -1;
  });
}
let waiting = "",
  current = "";
function pick(name) {
  const ready = Boolean(props.value.ready);
  if (!ready) waiting = name;
  props.value = { name, ready };
  mark();
  if (ready) trigger("pick");
}
function arrived() {
  if (props.value.name === null) props.value = { ...props.value, name: current };
  else if (props.value.ready && !waiting) current = props.value.name;
  if (waiting && props.value.ready) {
    const name = waiting;
    waiting = "";
    return pick(name);
  }
  mark();
}
shelf.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || event.target.classList.contains("listen")) return;
  event.preventDefault();
  const all = cards();
  const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
  next.focus();
  next.click();
});

function build() {
  shelf.replaceChildren(
    ...KINDS.map(([kind, title]) => {
      const group = document.createElement("div");
      const heading = document.createElement("h2");
      const row = document.createElement("div");
      group.className = "group";
      heading.textContent = title;
      for (const card of props.cards.filter((each) => each.kind === kind)) {
        row.append(cellOf(card, card.facts, () => pick(card.name)));
      }
      group.append(heading, row);
      return group;
    }).filter((group) => group.lastElementChild.childElementCount),
  );
  mark();
}
watch("value", arrived);
build();
