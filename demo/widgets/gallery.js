// The shipped models: value {name, ready}. Until the page is ready, that is known to the studio, a
// choice waits. A name of null: a choice was refused, and the one before stays.

let waiting = "";
let current = "";

/** @type {(name: string) => void} */
function pick(name) {
  const ready = Boolean(props.value.ready);
  if (!ready) waiting = name;
  props.value = { name, ready };
  markCard(name);
  if (ready) trigger("pick");
}

function arrived() {
  if (props.value.name === null) props.value = { ...props.value, name: current };
  else if (props.value.ready && !waiting) current = props.value.name;
  if (waiting && props.value.ready) {
    const name = waiting;
    waiting = "";
    pick(name);
    return;
  }
  markCard(props.value.name);
}

/** @type {(group: [kind: string, title: string]) => Part} */
function groupOf([kind, title]) {
  const heading = make("h2", { textContent: title });
  const cells = cardsOf(kind).map((card) => cellOf(card, card.facts, () => pick(card.name)));
  return make("div", { className: "group" }, heading, make("div", {}, ...cells));
}

part(".cards").replaceChildren(
  ...Object.entries(TITLES)
    .filter(([kind]) => cardsOf(kind).length)
    .map(groupOf),
);
markCard(props.value?.name);
watch("value", arrived);
