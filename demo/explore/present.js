// Presenting: the tab alone, large, in full screen where the browser allows that.

/** @type {(on: boolean) => void} */
function present(on) {
  document.documentElement.classList.toggle("abp-presenting", on);
  element.classList.toggle("presenting", on);
  part(".present").setAttribute("aria-pressed", String(on));
  part(".present").textContent = on ? "Leave (Esc)" : "Present";
  scrollTo(0, 0);
}
part(".present").onclick = async () => {
  const on = !element.classList.contains("presenting");
  present(on);
  try {
    if (on) await document.documentElement.requestFullscreen();
    else if (document.fullscreenElement) await document.exitFullscreen();
  } catch {
    // Where full screen is denied the tab still has the window.
  }
};
document.addEventListener("fullscreenchange", () => {
  if (!document.fullscreenElement) present(false);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && element.classList.contains("presenting")) present(false);
});
