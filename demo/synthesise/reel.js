// A film without end: value {token, key, and how it is drawn}. server.frames(request) gives stretch k of
// it, some pictures in base64 and how many a second they are, which follows stretch k - 1.

const AHEAD = 3; // seconds that are ready before they are seen
const FIRST = 0.4; // seconds that are ready before it starts, or goes on where it had to wait
const LATE = 500; // milliseconds after which what was missed is let go
const SETTLED = 300; // milliseconds after which a slider is taken at its word
const WIDTH = 512; // pixels that a film is shown wide, at least where there is room
const TRIES = 3;

const button = part("button");
const canvas = /** @type {HTMLCanvasElement} */ (/** @type {unknown} */ (part("canvas")));
/** @type {(milliseconds: number) => Promise<void>} */
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** What is played: its value, the number of the next stretch, the pictures that are ready, how many
 * a second they are, when the next is due, how many were shown, and whether more are waited for.
 * @typedef {{ value: any, begun: number, k: number, ready: ImageBitmap[], rate: number, due: number,
 *   shown: number, waits: boolean, paused: boolean, over: boolean }} Playing */
/** @type {Playing} */
let playing = null;

function settle() {
  const state = !playing ? "still" : playing.paused ? "paused" : "playing";
  element.dataset.state = state;
  button.textContent = state === "playing" ? "❚❚ Pause" : "▶ Play without end";
  say(
    { still: "", paused: "Paused.", playing: "It is made while it plays, and never ends." }[state],
  );
  if (!playing) part(".clock").textContent = "";
}
function leave() {
  if (!playing) return;
  playing.over = true;
  for (const picture of playing.ready) picture.close();
  playing = null;
}
function stop() {
  leave();
  canvas.hidden = true;
  settle();
}

/** @type {(now: Playing) => Promise<any>} */
async function ask(now) {
  for (let left = TRIES; left; left--) {
    try {
      return await server.frames({ ...now.value, begun: now.begun, k: now.k });
    } catch {
      if (now.over) return null;
      await wait(300);
    }
  }
  return { refusal: "The studio does not answer any more; please try again." };
}

/** @type {(jpeg: string) => Promise<ImageBitmap>} */
function pictureOf(jpeg) {
  const bytes = Uint8Array.from(atob(jpeg), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
}

// Nobody sees it while another tab is open, of the studio or of the browser.
const unseen = () => document.hidden || !element.offsetParent;

/** @type {(now: Playing) => Promise<void>} */
async function fetchAll(now) {
  while (!now.over) {
    if (now.paused || unseen() || now.ready.length > AHEAD * now.rate) {
      await wait(100);
      continue;
    }
    const answer = await ask(now);
    if (now.over) return;
    if (refuse(answer.refusal)) {
      stop();
      return;
    }
    const pictures = await Promise.all(answer.frames.map(pictureOf));
    if (now.over) {
      for (const picture of pictures) picture.close();
      return;
    }
    now.rate = answer.rate;
    now.ready.push(...pictures);
    now.k += 1;
    element.dataset.stretches = String(now.k);
  }
}

/** @type {(picture: ImageBitmap) => void} */
function paint(picture) {
  const { width, height } = picture;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.maxWidth = `${Math.max(width, WIDTH)}px`;
  }
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  canvas.hidden = false;
}

/** @type {(now: Playing, time: number) => void} */
function show(now, time) {
  if (!element.isConnected) stop(); // the page shows another kind of model
  if (now.over) return;
  requestAnimationFrame((next) => show(now, next));
  if (now.paused || unseen() || !now.rate) return;
  if (now.waits && now.ready.length >= FIRST * now.rate) {
    now.waits = false;
    now.due = time;
    if (!now.shown) element.dataset.wait = String(Math.round(performance.now() - now.begun));
  }
  if (now.waits || time < now.due) return;
  if (time - now.due > LATE) now.due = time;
  while (now.ready.length > 1 && time >= now.due + 1000 / now.rate) {
    now.ready.shift().close(); // the screen is slower than the film
    now.due += 1000 / now.rate;
    now.shown += 1;
  }
  paint(now.ready.shift());
  now.due += 1000 / now.rate;
  now.shown += 1;
  element.dataset.shown = String(now.shown);
  const seconds = Math.floor(now.shown / now.rate);
  part(".clock").textContent =
    `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (now.ready.length) return;
  now.waits = true;
  element.dataset.gaps = String(Number(element.dataset.gaps) + 1);
}

function play() {
  refuse("");
  leave();
  const value = { ...props.value };
  const begun = performance.now();
  playing = {
    ...{ value, begun, k: 0, ready: [], rate: 0, due: 0, shown: 0 },
    ...{ waits: true, paused: false, over: false },
  };
  const now = playing;
  Object.assign(element.dataset, { gaps: "0", shown: "0", stretches: "0" });
  settle();
  requestAnimationFrame((time) => show(now, time));
  fetchAll(now);
}

button.onclick = () => {
  if (!playing) return play();
  playing.paused = !playing.paused;
  playing.due = performance.now();
  settle();
};

// Another film begins anew, as soon as nothing is moved any more.
let settled = 0;
watch("value", () => {
  clearTimeout(settled);
  if (playing && playing.value.key !== props.value.key) return stop();
  settled = setTimeout(() => {
    if (!playing || JSON.stringify(playing.value) === JSON.stringify(props.value)) return;
    if (playing.paused) stop();
    else play();
  }, SETTLED);
});
settle();
