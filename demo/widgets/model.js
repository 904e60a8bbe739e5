// Shared by the tabs that work with the current model: whose orders they are, and its examples.

let token = ""; // the visitor's; a refusal comes without it
/** @type {Model} */
let model = null; // what describes the current one
/** @type {{ [name: string]: number }} */
let bounds = {}; // of what may be asked for, as the server has them

// What every value holds. The bounds are no props of their own: those of a widget on a tab that was
// never opened are lost when its value is set.
/** @type {(value: any) => void} */
function takeIn(value) {
  token = value.token || token;
  bounds = value.bounds || bounds;
}

/** @type {(name: string, what: object) => Promise<any>} */
async function ask(name, what) {
  try {
    return await server[name]({ token, key: model.key, ...what });
  } catch {
    return { refusal: "The studio did not answer; please try again." };
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

// A button for every training example of the model. more: what else each is to have.
/** @type {(more: object, choose: (i: number) => void) => void} */
function putExamples(more, choose) {
  const buttons = Array.from({ length: model.examples }, (_, i) => {
    const label = `Training example ${i + 1}`;
    const button = make("button", { type: "button", title: label, onclick: () => choose(i) });
    for (const [name, value] of Object.entries({ "aria-label": label, ...more })) {
      button.setAttribute(name, value);
    }
    return button;
  });
  part(".examples").replaceChildren(...buttons);
}
/** @type {(sheet: string) => void} */
function paintExamples(sheet) {
  all(".examples button").forEach((button, i) => {
    cutOut(button, sheet, [i, model.examples], [0, 1]);
  });
}
