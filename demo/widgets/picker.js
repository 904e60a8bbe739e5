// A choice of bundled data: value {kind, item}, where the item is empty while something else is
// chosen. Triggers "pick".

const SHELVES = ["texture", "sound", "film", "objects"].filter((kind) => cardsOf(kind).length);
const tabs = part(".kinds");
const grid = part(".cards");

/** @type {(kind: string, item: string) => void} */
function pick(kind, item) {
  props.value = { kind, item };
  draw();
  trigger("pick");
}

/** @type {(kind: string) => Part} */
function tabOf(kind) {
  const on = kind === props.value?.kind;
  const tab = make("button", { type: "button", textContent: TITLES[kind], tabIndex: on ? 0 : -1 });
  tab.dataset.key = kind;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-selected", String(on));
  tab.onclick = () => {
    if (kind !== props.value.kind) pick(kind, cardsOf(kind)[0].name);
    focusOn(tabs, kind);
  };
  return tab;
}

// What was drawn anew has lost the focus.
/** @type {(row: Part, key: string) => void} */
function focusOn(row, key) {
  part(`[data-key="${key}"]`, row).focus();
}

function draw() {
  const value = props.value || {};
  silence();
  tabs.replaceChildren(...SHELVES.map(tabOf));
  grid.replaceChildren(
    ...cardsOf(value.kind).map((card) =>
      cellOf(card, `${card.label} (${card.credit})`, () => {
        pick(card.kind, card.name);
        focusOn(grid, card.name);
      }),
    ),
  );
  markCard(value.item);
}
rove(tabs, "[role=tab]");
watch("value", draw);
draw();
const chosen = part("[aria-checked=true]", grid);
if (chosen) grid.scrollTop = chosen.offsetTop - grid.offsetTop - 8;
