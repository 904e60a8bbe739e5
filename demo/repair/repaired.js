// Answers to what was hidden: value {progress, sentence, before, after, answers, mean,
// spread, truth}.

function compare() {
  const at = Number(part("input").value);
  part(".before").style.clipPath = `inset(0 ${100 - at}% 0 0)`;
  part(".edge").style.left = `${at}%`;
}
part("input").oninput = compare;

function draw() {
  const value = props.value || {};
  const share = value.progress || 0;
  part(".progress").classList.toggle("on", share > 0 && share < 1);
  fillBar(part(".progress"), share);
  part(".sentence").textContent = value.sentence || "";
  part(".result").hidden = !value.after;
  if (!value.after) return;
  for (const name of ["before", "after", "mean", "spread", "truth"])
    part(`.${name}`).src = value[name];
  const box = part(".answers");
  while (box.childElementCount > value.answers.length) box.lastElementChild.remove();
  while (box.childElementCount < value.answers.length) {
    box.append(make("img", { alt: `Answer ${box.childElementCount + 1}` }));
  }
  all("img", box).forEach((picture, i) => {
    picture.src = value.answers[i];
  });
}
watch("value", draw);
compare();
draw();
