// Answers to what was hidden: value {progress, sentence, before, after, answers, spread, truth}.
function compare() {
  const at = Number(part("input").value);
  part(".before").style.clipPath = `inset(0 ${100 - at}% 0 0)`;
  part(".edge").style.left = `${at}%`;
}
part("input").oninput = compare;
function draw() {
  const value = props.value || {};
  const share = value.progress || 0,
    bar = part(".progress");
  bar.classList.toggle("on", share > 0 && share < 1);
  bar.setAttribute("aria-valuenow", Math.round(100 * share));
  bar.firstElementChild.style.transform = `scaleX(${share})`;
  part(".sentence").textContent = value.sentence || "";
  part(".result").hidden = !value.after;
  if (!value.after) return;
  for (const name of ["before", "after", "spread", "truth"]) part("." + name).src = value[name];
  const box = part(".answers");
  while (box.childElementCount > value.answers.length) box.lastElementChild.remove();
  value.answers.forEach((source, i) => {
    const picture = box.children[i] || box.appendChild(document.createElement("img"));
    picture.src = source;
    picture.alt = `Answer ${i + 1}`;
  });
}
watch("value", draw);
compare();
draw();
