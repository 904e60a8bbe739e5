// A sound without end: value {token, key, rate, and how it is drawn}. server.chunk(request) gives
// stretch k of it, which follows stretch k - 1 exactly.

const AHEAD = 4; // seconds that are ready before they are heard
const LEAD = 0.08; // seconds from the first stretch to its first sample
const TRIES = 3;

const button = part("button");
/** @type {(milliseconds: number) => Promise<void>} */
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** What is playing: its value, where it is drawn from, the number of the next stretch, and when, by
 * the clock of the context, that begins and the first one began.
 * @typedef {{ value: any, context: AudioContext, analyser: AnalyserNode, k: number, until: number,
 *   begun: number, over: boolean, pressed: number }} Playing */
/** @type {Playing} */
let playing = null;

function settle() {
  element.dataset.state = playing ? "playing" : "silent";
  button.textContent = playing ? "■ Stop" : "▶ Endless";
  say(playing ? "It goes on for ever and never repeats." : "");
  if (!playing) part(".clock").textContent = "";
}
function silence() {
  if (!playing) return;
  playing.over = true;
  playing.context.close().catch(() => {});
  playing = null;
  settle();
}

/** @type {(now: Playing) => Promise<any>} */
async function stretch(now) {
  const { rate: _, ...asked } = now.value;
  for (let left = TRIES; left; left--) {
    try {
      return await server.chunk({ ...asked, begun: now.pressed, k: now.k });
    } catch {
      if (now.over) return null;
      await wait(300);
    }
  }
  return { refusal: "The studio does not answer any more; please try again." };
}

/** @type {(context: AudioContext, answer: { samples: string, rate: number }) => AudioBuffer} */
function bufferOf(context, { samples, rate }) {
  const bytes = Uint8Array.from(atob(samples), (letter) => letter.charCodeAt(0));
  const whole = new DataView(bytes.buffer);
  const buffer = context.createBuffer(1, bytes.length / 2, rate);
  const channel = buffer.getChannelData(0);
  for (let i = 0; i < channel.length; i++) channel[i] = whole.getInt16(2 * i, true) / 32768;
  return buffer;
}

/** @type {(now: Playing, answer: { samples: string, rate: number }) => void} */
function schedule(now, answer) {
  const buffer = bufferOf(now.context, answer);
  const source = now.context.createBufferSource();
  source.buffer = buffer;
  source.connect(now.analyser);
  const time = now.context.currentTime;
  if (now.until < time + LEAD) {
    // The next stretch came too late, unless it is the first.
    if (now.k) element.dataset.gaps = String(Number(element.dataset.gaps || 0) + 1);
    now.until = Math.ceil((time + LEAD) * answer.rate) / answer.rate;
  }
  if (!now.k) {
    now.begun = now.until;
    const waited = performance.now() - now.pressed + 1000 * (now.until - time);
    element.dataset.wait = String(Math.round(waited));
  }
  source.start(now.until);
  now.until += buffer.length / answer.rate;
  now.k += 1;
}

// At the model's own rate stretches join sample by sample; at another each would be resampled alone.
// Nothing where a browser lets a page play nothing.
/** @type {(sampleRate: number) => AudioContext | null} */
function contextOf(sampleRate) {
  for (const options of [{ sampleRate }, {}]) {
    try {
      return new AudioContext(options);
    } catch {
      // It knows other rates only, or nothing of the kind.
    }
  }
  return null;
}

async function play() {
  refuse("");
  const value = { ...props.value };
  const pressed = performance.now();
  const context = contextOf(value.rate);
  if (!context) {
    refuse("This browser cannot play a sound without end; please download one of some length.");
    return;
  }
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  analyser.connect(context.destination);
  const now = { value, context, analyser, k: 0, until: 0, begun: 0, over: false, pressed };
  playing = now;
  element.dataset.gaps = "0";
  settle();
  context.resume().catch(() => {});
  requestAnimationFrame(() => show(now));
  while (!now.over) {
    if (now.k && now.until - context.currentTime > AHEAD) {
      await wait(150);
      continue;
    }
    const answer = await stretch(now);
    if (now.over) return;
    if (refuse(answer.refusal)) silence();
    else schedule(now, answer);
  }
}

// ---- what is heard, drawn ------------------------------------------------------------------
const STEP = 2; // pixels that a moment is wide
const TINTS = Array.from({ length: 256 }, (_, i) => {
  const x = i / 255;
  const red = 24 + 231 * Math.min(1, 1.6 * x);
  const green = 24 + 190 * Math.max(0, 1.7 * x - 0.7);
  const blue = 27 + 120 * Math.sin(Math.PI * x);
  return `rgb(${Math.round(red)}, ${Math.round(green)}, ${Math.round(blue)})`;
});

/** @type {(now: Playing) => void} */
function show(now) {
  if (!element.isConnected) silence(); // the page shows another kind of model
  if (now.over) return;
  const heard = Math.max(0, now.context.currentTime - now.begun);
  const seconds = now.k ? Math.floor(heard) : 0;
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const wave = new Float32Array(now.analyser.fftSize);
  now.analyser.getFloatTimeDomainData(wave);
  part(".clock").textContent = clock;
  element.dataset.level = String(Math.hypot(...wave) / Math.sqrt(wave.length));
  element.dataset.heard = String(heard);
  part("canvas").hidden = calm.matches;
  if (!calm.matches) drawLevels(now.analyser);
  requestAnimationFrame(() => show(now));
}

// The levels of this moment, low sounds below; those before move on to the left.
/** @type {(analyser: AnalyserNode) => void} */
function drawLevels(analyser) {
  const canvas = part("canvas");
  const pen = canvas.getContext("2d");
  const levels = new Uint8Array(analyser.frequencyBinCount);
  const tall = canvas.height / levels.length;
  analyser.getByteFrequencyData(levels);
  pen.drawImage(pen.canvas, -STEP, 0);
  levels.forEach((level, i) => {
    pen.fillStyle = TINTS[level];
    pen.fillRect(canvas.width - STEP, canvas.height - (i + 1) * tall, STEP, tall + 1);
  });
}

button.onclick = () => (playing ? silence() : play());
let key = props.value.key;
watch("value", () => {
  if (key === props.value.key) return;
  key = props.value.key;
  silence();
  const canvas = part("canvas"); // what was drawn of another model
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
});
settle();
