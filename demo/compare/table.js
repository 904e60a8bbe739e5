// What the methods have come to, and what each can do, as a table.

/** @type {(share: number) => string} */
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
/** @type {[key: string, head: string, worded: (value: number) => string][]} */
const MEASURES = [
  ["reconstruction", "Reconstruction error", percent],
  ["features", "Feature distance", (value) => value.toFixed(value < 10 ? 1 : 0)],
  ["copied", "Copied", percent],
  ["diversity", "Diversity", percent],
];
/** @type {[key: string, head: string][]} */
const ABILITIES = [
  ["samples", "Makes samples"],
  ["inference", "Infers latents"],
  ["bound", "Likelihood bound"],
  ["incomplete", "Learns from incomplete data"],
];

/** @type {(sign: string, words: string) => Part} */
function sign(sign, words) {
  const made = make("span", { textContent: sign });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", words);
  return made;
}
/** @type {(now: Column, key: string, worded: (value: number) => string) => Part} */
function measured(now, key, worded) {
  const value = now.figures[key];
  if (typeof value === "number") return make("td", { textContent: worded(value) });
  if (key in now.figures) return make("td", {}, sign("–", "none"));
  return make("td", {}, sign("…", "not measured yet"));
}
/** @type {(now: Column) => Part} */
function rowOf(now) {
  const method = methodOf[now.name];
  const head = make("th", { scope: "row", textContent: method.title });
  const figures = MEASURES.map(([key, , worded]) => measured(now, key, worded));
  const marks = ABILITIES.map(([key]) => {
    const can = method.can.includes(key);
    return make("td", { className: "mark" }, can ? sign("✓", "yes") : sign("–", "no"));
  });
  return make("tr", {}, head, ...figures, ...marks);
}

part("thead").append(
  make(
    "tr",
    {},
    make("th", { scope: "col", textContent: "Method" }),
    ...MEASURES.map(([, textContent]) => make("th", { scope: "col", textContent })),
    ...ABILITIES.map(([, textContent]) =>
      make("th", { scope: "col", textContent, className: "mark" }),
    ),
  ),
);

/** @type {(columns: Column[]) => void} */
function drawTable(columns) {
  const told = columns.filter((each) => each.name in methodOf);
  part("tbody").replaceChildren(...told.map(rowOf));
}
