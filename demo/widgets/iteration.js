// One iteration as a chain of parts, which light up and carry pictures and numbers.

/** The parts in their order: the name of each, and the half of the iteration that is written so.
 * @type {{ [part: string]: [name: string, half?: string] }} */
const CHAIN = {
  z: ["z", "infer"],
  f: ["f(z; W)"],
  made: ["x̂"],
  left: ["x − x̂"],
  infer: ["back to z", "infer"],
  learn: ["back to W", "learn"],
  prior: ["p(z)"],
};
const CHAIN_NAMES = Object.keys(CHAIN);

// The list of the parts. captions: what each of them is, in words.
/** @type {(captions: { [part: string]: string }) => Part} */
function makeChain(captions) {
  const items = Object.entries(CHAIN).map(([name, [title, half = ""]]) => {
    const item = make(
      "li",
      {},
      make("b", { textContent: title, className: half }),
      make("span", { className: "caption", textContent: captions[name] }),
      make("img", { alt: "" }),
      make("span", { className: "number" }),
    );
    item.dataset.part = name;
    return item;
  });
  return make("ol", { className: "iteration" }, ...items);
}

// Those of the parts that are lit, and no others.
/** @type {(names: string[]) => void} */
function light(names) {
  for (const name of CHAIN_NAMES) {
    part(`[data-part=${name}]`).toggleAttribute("data-on", names.includes(name));
  }
}

/** @type {(name: string, picture: string, alt: string) => void} */
function putPicture(name, picture, alt) {
  const image = part(`[data-part=${name}] img`);
  image.alt = alt;
  if (image.getAttribute("src") !== picture) image.src = picture;
}
/** @type {(name: string, text: string) => void} */
function putNumber(name, text) {
  part(`[data-part=${name}] .number`).textContent = text;
}
