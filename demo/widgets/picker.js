// A choice of bundled data: value {kind, item}; props.cards lists what there is.
const kinds = [
  ["texture", "Textures"],
  ["sound", "Sounds"],
  ["objects", "Picture sets"],
];
const tabs = element.querySelector(".kinds");
const grid = element.querySelector(".cards");

function pick(kind, item) {
  props.value = { kind, item };
  draw();
  trigger("change");
}

function roving(container, event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...container.querySelectorAll("[role=tab], [role=radio]")];
  const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
  event.preventDefault();
  next.click();
  const key = next.dataset.key;
  container.querySelector(`[data-key="${key}"]`).focus();
}
tabs.addEventListener("keydown", (event) => roving(tabs, event));
grid.addEventListener("keydown", (event) => {
  if (!event.target.classList.contains("listen")) roving(grid, event);
});

function draw() {
  const value = props.value || {};
  silence();
  tabs.replaceChildren(
    ...kinds.map(([kind, label]) => {
      const tab = document.createElement("button");
      const on = kind === value.kind;
      tab.type = "button";
      tab.textContent = label;
      tab.dataset.key = kind;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      tab.onclick = () => {
        if (kind !== props.value.kind)
          pick(kind, props.cards.find((card) => card.kind === kind).name);
        tabs.querySelector(`[data-key="${kind}"]`).focus();
      };
      return tab;
    }),
  );
  const shown = props.cards.filter((card) => card.kind === value.kind);
  grid.replaceChildren(
    ...shown.map((card) => {
      const cell = cellOf(card, card.label + " (" + card.credit + ")", () => {
        pick(card.kind, card.name);
        grid.querySelector(`[data-key="${card.name}"]`).focus();
      });
      const button = cell.firstElementChild;
      const on = card.name === value.item;
      const none = !shown.some((each) => each.name === value.item);
      button.setAttribute("aria-checked", on);
      button.tabIndex = on || (none && card === shown[0]) ? 0 : -1;
      return cell;
    }),
  );
}
watch("value", draw);
draw();
const chosen = grid.querySelector("[aria-checked=true]");
if (chosen) grid.scrollTop = chosen.offsetTop - grid.offsetTop - 8;
