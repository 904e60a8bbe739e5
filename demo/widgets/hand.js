// An order that is done at once disables its own button, and the page would lose the hand that pressed
// it: the focus goes on to the next button of the same row that can be pressed.

/** @type {Part} */
let hand = null; // the button that had the focus last

document.addEventListener("focusin", ({ target }) => {
  hand = target instanceof HTMLButtonElement ? /** @type {any} */ (target) : null;
});
new MutationObserver(() => {
  const now = /** @type {Part} */ (document.activeElement);
  if (!hand?.disabled || (now !== hand && now !== document.body)) return;
  const row = hand.closest(".row");
  const next = row && part("button:not(:disabled)", row);
  next?.focus({ preventScroll: true });
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["disabled"] });
