// One method of a comparison as a column: its pictures, its curve, its figures, what can be done with
// it. A column of the data alone stands beside them.

const BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
/** @type {Record<string, Method>} */
const methodOf = Object.fromEntries(
  props.methods.map((/** @type {Method} */ method) => [method.name, method]),
);
/** @type {(n: number) => string} */
const grouped = (n) => n.toLocaleString("en");
/** @type {(seconds: number) => string} */
const clock = (seconds) =>
  `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;

/** @type {(name: string) => Part} */
function newColumn(name) {
  const method = methodOf[name];
  const title = make("h3", { textContent: method?.title ?? "The data" });
  const slots = [newSlot("new"), newSlot("rebuilt")];
  const column = make("div", { className: "method" }, title, make("p", { className: "status" }));
  column.append(...slots, ...(method ? ofMethod(method) : []), make("div", { className: "shown" }));
  column.classList.toggle("data", !method);
  column.dataset.name = name;
  column.setAttribute("role", "listitem");
  return column;
}
// What only a method has: its curve, its figures, and what can be done with it.
/** @type {(method: Method) => Part[]} */
function ofMethod(method) {
  const canvas = make("canvas");
  canvas.setAttribute("role", "img");
  const head = make("figcaption", {}, make("b", { textContent: method.curve }), make("output"));
  const why = make("p", { className: "why", id: `abp-why-${method.name}` });
  const use = order("use", "Use this model", `Use the model of ${method.title}`);
  use.title = "Makes it the model that the other tabs act on";
  use.setAttribute("aria-describedby", why.id);
  use.onclick = () => document.dispatchEvent(new CustomEvent("abp-use", { detail: method.name }));
  const take = order("take", "Download", `Download the model of ${method.title}`);
  take.onclick = () => takeHome(method.name);
  return [
    make("figure", { className: "curve" }, head, canvas),
    make("dl", { className: "facts" }),
    make("div", { className: "orders" }, use, take),
    why,
    explained(method),
    thinking(),
  ];
}
// What it thinks of the pictures of all, once it was asked.
/** @type {() => Part} */
function thinking() {
  const summary = make("summary", { textContent: "The energy of all pictures" });
  const words = "The mean of an entry; the lower, the likelier it finds them.";
  const details = make("details", { className: "energies", hidden: true }, summary);
  details.append(make("p", { textContent: words }), make("dl", { className: "thinks" }));
  return details;
}
/** @type {(className: string, textContent: string, label: string) => Part} */
function order(className, textContent, label) {
  const button = make("button", { type: "button", className, textContent });
  button.setAttribute("aria-label", label);
  return button;
}
/** @type {(kind: string) => Part} */
function newSlot(kind) {
  const figure = newFigure();
  figure.className = `slot ${kind}`;
  return figure;
}
/** @type {(method: Method) => Part} */
function explained(method) {
  return make(
    "details",
    {},
    make("summary", { textContent: "How it learns" }),
    make("p", { textContent: method.sentence }),
    make("pre", { textContent: method.equation }),
    make("p", { textContent: method.source }),
  );
}

// A picture whose place is kept before there is one. words: what stands there then.
/** @type {(figure: Part, panel: Panel, words: string) => void} */
function fillSlot(figure, panel, words) {
  showPanel(figure, panel ?? { caption: words, picture: BLANK, sound: "" });
  figure.classList.toggle("empty", !panel);
}

/** @type {(place: Part, facts: string[][], known: boolean) => void} */
function list(place, facts, known) {
  place.replaceChildren(
    ...facts.flatMap(([name, value]) => [
      make("dt", { textContent: name }),
      make("dd", { textContent: known ? value : "–" }),
    ]),
  );
}

/** @type {(column: Part, now: Column, live: boolean) => void} */
function showColumn(column, now, live) {
  const method = methodOf[now.name];
  const infers = !method || method.can.includes("inference");
  const { pictures } = now;
  part(".status", column).textContent = live && !now.begun ? "waits for its turn" : now.status;
  fillSlot(part(".new", column), pictures.new, "New");
  fillSlot(part(".rebuilt", column), pictures.rebuilt, infers ? "Rebuilt" : "It infers nothing");
  const shown = part(".shown", column);
  while (shown.childElementCount > pictures.shown.length) shown.lastElementChild.remove();
  while (shown.childElementCount < pictures.shown.length) shown.append(newFigure());
  all("figure", shown).forEach((figure, i) => {
    showPanel(figure, pictures.shown[i]);
  });
  if (!method) return;
  const [xs, ys] = [now.curve.map(([x]) => x), now.curve.map(([, y]) => y)];
  const log = ys.every((y) => y > 0);
  const figure = part(".curve", column);
  plot(part("canvas", figure), xs, ys, { hue: "--abp-learn", log });
  describe(figure, xs, ys);
  const facts = [
    ["Time", clock(now.seconds)],
    ["Iterations", grouped(now.iteration)],
    ["A second", now.rate >= 10 ? now.rate.toFixed(0) : now.rate.toFixed(1)],
    ["Parameters", grouped(now.parameters)],
    ["Its state", `${now.megabytes.toFixed(1)} MB`],
  ];
  list(part(".facts", column), facts, now.begun);
  const energies = now.energies.map(([title, energy]) => [title, energy.toPrecision(4)]);
  list(part(".thinks", column), energies, true);
  part(".energies", column).hidden = !energies.length;
  disable(part(".use", column), !live || !now.begun || Boolean(now.why_not), part(".columns"));
  disable(part(".take", column), !live || !now.begun, part(".columns"));
  part(".orders", column).style.visibility = live ? "visible" : "hidden";
  part(".why", column).textContent = live ? now.why_not : "";
}
