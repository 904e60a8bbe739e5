// Shared by the tabs that work with the current model: whose orders they are, and its examples.

let token = ""; // the visitor's; a refusal comes without it
/** @type {Model} */
let model = null; // what describes the current one
let bounds = {}; // of what may be asked for, as the server has them

// What every value holds. The bounds are no props of their own: those of a widget on a tab that was
// never opened are lost when its value is set.
function takeIn(value) {
  token = value.token || token;
  bounds = value.bounds || bounds;
}

async function ask(name, what) {
  try {
    return await server[name]({ token, key: model.key, ...what });
  } catch {
    return { refusal: "The studio did not answer; please try again." };
  }
}

// Shows on a box its own part of a sheet of thumbnails.
function cutOut(box, sheet, [column, columns], [row, rows]) {
  const along = (k, n) => `${n > 1 ? (100 * k) / (n - 1) : 0}%`;
  box.style.backgroundImage = `url(${sheet})`;
  box.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  box.style.backgroundPosition = `${along(column, columns)} ${along(row, rows)}`;
}

// A button for every training example of the model. more: what else each is to have.
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
function paintExamples(sheet) {
  all(".examples button").forEach((button, i) => {
    cutOut(button, sheet, [i, model.examples], [0, 1]);
  });
}
