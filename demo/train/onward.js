// Goes on with what was learnt, as the button that was pressed says: the run becomes the current
// model, and the tab that is meant is shown when it has.

/** @type {(label: string) => void} */
(label) => {
  const PATIENCE = 300; // tenths of a second
  /** @type {(selector: string) => HTMLElement} */
  const find = (selector) => document.querySelector(selector);
  /** @type {(ready: () => unknown, act: () => void, left?: number) => void} */
  const when = (ready, act, left = PATIENCE) => {
    if (ready()) act();
    else if (left) setTimeout(() => when(ready, act, left - 1), 100);
  };
  /** @type {(name: string) => void} */
  const show = (name) => {
    /** @type {NodeListOf<HTMLElement>} */
    const tabs = document.querySelectorAll('[role="tab"]');
    [...tabs].find((tab) => tab.textContent.trim() === name)?.click();
  };
  const key = () => find("#abp-model .bar").dataset.key ?? "";
  const [before, pressed] = [key(), Date.now()];
  // The answer may be the same as before, where the run has not moved on.
  const taken = () => key().startsWith("run-") && (key() !== before || Date.now() - pressed > 2000);
  const idle = () => {
    const work = find("#abp-work [data-phase], #abp-work[data-phase]");
    return work?.offsetParent && !["working", "idle"].includes(work.dataset.phase);
  };
  find("#abp-follow").click();
  when(taken, () => {
    show(label === "Explore it" ? "Explore" : "Synthesise");
    if (label === "Listen endlessly" || label === "Pan without end") {
      const button = label === "Listen endlessly" ? "#abp-endless button" : "#abp-pan .open";
      when(
        () => find(button)?.offsetParent,
        () => find(button).click(),
      );
    }
    // What was made of this very model before may have been no tile.
    if (label === "Make a tile") {
      when(idle, () => find("#abp-work .views").hidden && find("#abp-make").click());
    }
  });
};
