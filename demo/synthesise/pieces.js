// The pieces of a texture without end that are held, each an image in its place. server.piece(request)
// gives the piece at (across, down), which continues its neighbours exactly.

const KEPT = 120; // pieces that are held, the nearest to the view
const AT_ONCE = 2; // that are asked for
const AROUND = 64; // pixels

/** A piece; stale: what is shown of it is not what it is now; asked: it is under way.
 * @typedef {{ image: Part, across: number, down: number, stale: boolean, asked: boolean }} Piece */
/** @type {Map<string, Piece>} */
const pieces = new Map();
const view = part(".view");
const centre = { x: 0, y: 0 }; // of the view, in pixels of the texture
let zoom = 1;
let under = 0; // pieces that are under way
let opened = 0; // how often; what was asked for before the last does not count

/** @type {(place: { across: number, down: number }) => number} */
function far({ across, down }) {
  const { side } = props.value;
  return Math.hypot((across + 0.5) * side - centre.x, (down + 0.5) * side - centre.y);
}

// Those in the view and a little around it, before they come into view; the nearest first.
function wanted() {
  const { side } = props.value;
  const x = view.clientWidth / zoom / 2 + AROUND;
  const y = view.clientHeight / zoom / 2 + AROUND;
  /** @type {{ across: number, down: number }[]} */
  const list = [];
  for (let down = Math.floor((centre.y - y) / side); down * side <= centre.y + y; down++) {
    for (let across = Math.floor((centre.x - x) / side); across * side <= centre.x + x; across++) {
      list.push({ across, down });
    }
  }
  return list.sort((a, b) => far(a) - far(b));
}

/** @type {(across: number, down: number) => Piece} */
function pieceAt(across, down) {
  const name = `${across} ${down}`;
  if (!pieces.has(name)) {
    const image = make("img", { alt: "", draggable: false });
    pieces.set(name, { image, across, down, stale: true, asked: false });
  }
  return pieces.get(name);
}

// What is made of an endless texture, of the model and with the strokes that the page has.
/** @type {(order: (sent: object) => Promise<any>, sent: object) => Promise<any>} */
async function askCanvas(order, sent) {
  try {
    return await order({ ...props.value, begun: opened, strokes, ...sent });
  } catch {
    return { refusal: "The studio does not answer just now; please move on in a moment." };
  }
}

/** @type {(piece: Piece) => Promise<void>} */
async function fetchPiece(piece) {
  const { image, across, down } = piece;
  const now = opened;
  piece.stale = false;
  piece.asked = true;
  under += 1;
  const answer = await askCanvas(server.piece, { across, down });
  if (now !== opened) return;
  under -= 1;
  piece.asked = false;
  if (refuse(answer.refusal)) {
    piece.stale = true; // it is asked for again when somebody moves
    drift(false);
    return;
  }
  image.onload = () => image.classList.add("there");
  image.src = answer.picture;
  part(".pieces").append(image);
  element.dataset.pieces = String(part(".pieces").childElementCount);
  draw();
}

function placePieces() {
  const { side } = props.value;
  for (const { across, down } of wanted()) {
    if (under >= AT_ONCE) break;
    const piece = pieceAt(across, down);
    if (piece.stale && !piece.asked) fetchPiece(piece);
  }
  const order = [...pieces.entries()].sort((a, b) => far(a[1]) - far(b[1]));
  for (const [name, { image }] of order.slice(KEPT)) {
    image.remove();
    pieces.delete(name);
  }
  for (const { image, across, down } of pieces.values()) {
    const x = Math.round((across * side - centre.x) * zoom + view.clientWidth / 2);
    const y = Math.round((down * side - centre.y) * zoom + view.clientHeight / 2);
    image.style.width = `${side * zoom}px`;
    image.style.height = `${side * zoom}px`;
    image.style.transform = `translate(${x}px, ${y}px)`;
  }
}

function forgetPieces() {
  opened += 1;
  pieces.clear();
  part(".pieces").replaceChildren();
  under = 0;
  element.dataset.pieces = "0";
}
