// A point in the address, in a link, and in what the browser remembers until it is closed.

/** @type {(what: Point) => string} */
const packed = (what) =>
  btoa(JSON.stringify(what)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
/** @type {(text: string) => any} */
const unpacked = (text) => JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/")));

/** @type {(x: any, low: number, high: number) => boolean} */
const isNumber = (x, low, high) => typeof x === "number" && x >= low && x <= high;
/** @type {(x: any, low: number, high: number) => boolean} */
const isInteger = (x, low, high) => Number.isInteger(x) && isNumber(x, low, high);
/** @type {(x: any, most: number, fits: (each: any) => boolean) => boolean} */
const isList = (x, most, fits) => Array.isArray(x) && x.length <= most && x.every(fits);
/** @type {(x: any) => boolean} */
const isNear = (x) => isNumber(x, -bounds.farthest, bounds.farthest);
/** @type {(x: any) => boolean} */
const isPlace = (x) => isNumber(x, -bounds.plane, bounds.plane);
/** @type {(x: any) => boolean} */
const isSeed = (x) => isInteger(x, 0, bounds.seed);

/** @type {(x: any) => boolean} */
const isMoment = (x) => isNumber(x, 0, model.frames - 1);

/** @type {(x: any) => boolean} */
function isEdit(x) {
  if (typeof x?.cells !== "string" || x.cells.length > bounds.digits) return false;
  if (!/^[0-9a-f]+$/.test(x.cells)) return false;
  if (BigInt(`0x${x.cells}`) >> BigInt(grid()[0] * grid()[1]) !== 0n) return false;
  if (moving() && x.what !== "paint" && !isMoment(x.t)) return false;
  if (x.what === "resample") return isSeed(x.number);
  if (x.what === "copy" && moving()) return true;
  if (x.what === "copy") return isInteger(x.number, 0, model.examples - 1);
  return x.what === "paint" && isInteger(x.number, 0, model.numbers - 1) && isNear(x.amount);
}

// What claims to be a point: itself if it is a whole one of this model, else null. Nothing that
// lacks is made up, because the sender saw something else.
/** @type {(sent: any) => Point | null} */
function whole(sent) {
  if (!sent || typeof sent !== "object") return null;
  /** @type {{ [name: string]: (x: any) => boolean }} */
  const fits = {
    seed: isSeed,
    x: isPlace,
    y: isPlace,
    example: (x) => isInteger(x, -1, model.examples - 1),
    moves: (x) => isList(x, model.numbers, (t) => isNear(t) || (t === null && !added())),
    edits: (x) => spatial() && isList(x, bounds.edits, isEdit),
    t: (x) => moving() && isMoment(x),
    z: (x) => !added() && isList(x, model.numbers, isNear) && x.length === model.numbers,
  };
  const place = moving() ? ["t"] : ["seed", "x", "y", "example"];
  const needed = [...place, "moves", ...(spatial() ? ["edits"] : [])];
  const complete = (sent.z ? ["z"] : needed).every((name) => name in sent);
  const good = Object.entries(fits).every(([name, fit]) => !(name in sent) || fit(sent[name]));
  return complete && good ? sent : null;
}

// The point of a text that may be anything, or null.
/** @type {(text: string, read: (text: string) => any) => Point | null} */
function pointIn(text, read) {
  try {
    return whole(read(text));
  } catch {
    return null;
  }
}

const memory = () => `abp-point-${model.key}`;
function keepForReload() {
  try {
    if (packed(point) === begun) sessionStorage.removeItem(memory());
    else sessionStorage.setItem(memory(), JSON.stringify(point));
  } catch {
    // A browser that keeps nothing begins anew.
  }
}
const fromReload = () => pointIn(memory(), (name) => JSON.parse(sessionStorage.getItem(name)));

const OFTEN = 300; // milliseconds from one change of the address to the next; browsers refuse more
let begun = ""; // the point at which the model is shown first, as a link has it
let noting = 0;
let noted = 0; // when the address was last changed

// Whether the point that is shown is of the model that the address names.
const inAddress = () => model?.shared && stated("model") === model.name;

// The point as the address has it: nothing at the beginning, or where it is too long.
function inShort() {
  const text = packed(point);
  return text === begun || text.length > LONGEST ? "" : text;
}
function notePoint() {
  clearTimeout(noting);
  const early = OFTEN - (performance.now() - noted);
  if (early > 0) {
    noting = setTimeout(notePoint, early);
    return;
  }
  noted = performance.now();
  if (inAddress()) state({ point: inShort() || null });
}
addEventListener("popstate", () => {
  clearTimeout(noting);
  const link = stated("point");
  if (!inAddress() || link === inShort()) return;
  go((link && pointIn(link, unpacked)) || home());
});

part(".link").onclick = async () => {
  const { origin, pathname } = location;
  const query = `model=${encodeURIComponent(model.name)}&point=${packed(point)}`;
  const address = part(".address");
  address.hidden = false;
  address.value = `${origin}${pathname}?${query}`;
  try {
    await navigator.clipboard.writeText(address.value);
    say("The link is copied.");
  } catch {
    address.focus();
    address.select();
    say("Copy the link that is marked.");
  }
};

function putLink() {
  part(".address").hidden = true;
  part(".link").hidden = !model.shared;
}
