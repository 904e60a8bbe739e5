// Answers to what was hidden: value {progress, sentence, before, after, answers, spread, truth}.

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
  for (const name of ["before", "after", "spread", "truth"]) part(`.${name}`).src = value[name];
  const box = part(".answers");
  while (box.childElementCount > value.answers.length) box.lastElementChild.remove();
  value.answers.forEach((source, i) => {
    const picture = box.children[i] || box.appendChild(make("img", { alt: `Answer ${i + 1}` }));
    picture.src = source;
  });
}
watch("value", draw);
compare();
draw();
