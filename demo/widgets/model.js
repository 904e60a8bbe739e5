// Shared by the tabs that work with the current model: whose orders they are, and its examples.

let token = ""; // the visitor's; a refusal comes without it
/** @type {Model} */
let model = null; // what describes the current one
/** @type {{ [name: string]: number }} */
let bounds = {}; // of what may be asked for, as the server has them

/** @type {() => void} */
let tellKnown = null;
/** @type {Promise<void>} */
const known = new Promise((tell) => {
  tellKnown = tell;
});

// What every value holds. The bounds are no props of their own: those of a widget on a tab that was
// never opened are lost when its value is set.
/** @type {(value: any) => void} */
function takeIn(value) {
  token = value.token || token;
  bounds = value.bounds || bounds;
  if (token) tellKnown();
}

// A model may be shown before the studio knows whose page it is; what is asked meanwhile waits.
/** @type {(name: string, what: object) => Promise<any>} */
async function ask(name, what) {
  const { key } = model;
  await known;
  const silence = { refusal: "The studio did not answer; please try again." };
  try {
    return (await server[name]({ token, key, ...what })) ?? silence;
  } catch {
    return silence;
  }
}

// Shows on a box its own part of a sheet of thumbnails.
/** @type {(box: Part, sheet: string, across: [number, number], down: [number, number]) => void} */
function cutOut(box, sheet, [column, columns], [row, rows]) {
  /** @type {(k: number, n: number) => string} */
  const along = (k, n) => `${n > 1 ? (100 * k) / (n - 1) : 0}%`;
  box.style.backgroundImage = `url(${sheet})`;
  box.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  box.style.backgroundPosition = `${along(column, columns)} ${along(row, rows)}`;
}

// What a training example is called; not all data names them.
/** @type {(i: number) => string} */
const nameOf = (i) => model.names?.[i] ?? `Training example ${i + 1}`;

// A button for every training example of the model. more: what else each is to have.
/** @type {(more: object, choose: (i: number) => void) => void} */
function putExamples(more, choose) {
  const buttons = Array.from({ length: model.examples }, (_, i) => {
    const button = make("button", { type: "button", onclick: () => choose(i) });
    for (const [name, value] of Object.entries(more)) button.setAttribute(name, value);
    return button;
  });
  part(".examples").replaceChildren(...buttons);
  nameExamples();
}
function nameExamples() {
  all(".examples button").forEach((button, i) => {
    button.title = nameOf(i);
    button.setAttribute("aria-label", nameOf(i));
  });
}
/** @type {(sheet: string) => void} */
function paintExamples(sheet) {
  all(".examples button").forEach((button, i) => {
    cutOut(button, sheet, [i, model.examples], [0, 1]);
  });
}
