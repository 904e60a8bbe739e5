// Which tab is open, as the address has it, and a link to what is shown.
// props.tabs: the names of all tabs as the address has them, the first is the usual one; props.own:
// what the address calls a model that is the visitor's.

const bubble = part(".bubble");
const field = part("input");

/** @type {(sentence: string, address?: string) => void} */
function tell(sentence, address = "") {
  part("p").textContent = sentence;
  bubble.hidden = false;
  field.hidden = !address;
  field.value = address;
}

const tabs = () => document.querySelector("#abp-tabs");
/** @type {(name: string) => Part} */
const tabOf = (name) => tabs()?.querySelector(`[data-tab-id="${name}"]`);

// Opens the tab that the address names, as soon as the page has it.
function openTab() {
  const named = stated("tab");
  const known = props.tabs.includes(named);
  const name = known ? named : props.tabs[0];
  const tab = tabOf(name);
  if (!tab) {
    requestAnimationFrame(openTab);
    return;
  }
  if (named && !known)
    tell(`The address names a tab that is not here; this is ${tab.textContent}.`);
  state({ tab: name });
  if (tab.getAttribute("aria-selected") !== "true") tab.click();
  // Before that another tab would have been seen for a moment, see style.css.
  requestAnimationFrame(() => tabs().setAttribute("data-open", ""));
}

document.addEventListener("click", (event) => {
  const clicked = /** @type {Part} */ (event.target);
  if (clicked.closest(".abp-skip")) {
    event.preventDefault(); // the framework's base would make it another address
    part('[role="tab"][aria-selected="true"]', tabs()).focus();
  }
  if (!element.contains(clicked)) bubble.hidden = true;
  const name = /** @type {Part} */ (clicked.closest("#abp-tabs [data-tab-id]"))?.dataset.tabId;
  if (props.tabs.includes(name)) state({ tab: name }, true);
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") bubble.hidden = true;
});

part(".copy").onclick = async () => {
  if (stated("model") === props.own) {
    tell(
      "This model is yours alone, and no link can hold it: download the model and share its file.",
    );
    return;
  }
  try {
    await navigator.clipboard.writeText(location.href);
    tell("The link is copied.");
  } catch {
    tell("Copy the link that is marked.", location.href);
    field.focus();
    field.select();
  }
};
addEventListener("popstate", openTab);
openTab();
