// A sound without end: value {token, key, rate, and how it is drawn}. server.chunk(request) gives stretch k of it, which follows stretch k - 1 exactly.
const AHEAD = 4; // seconds that are ready before they are heard
const LEAD = 0.08; // seconds from the first stretch to its first sample
const TRIES = 3;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const button = part("button"),
  canvas = part("canvas"),
  pen = canvas.getContext("2d");
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
let run = null; // what is playing

function refuse(sentence) {
  part(".refusal").textContent = sentence;
  part(".refusal").hidden = !sentence;
}
function settle() {
  element.dataset.state = run ? "playing" : "silent";
  button.textContent = run ? "■ Stop" : "▶ Endless";
  part(".spoken").textContent = run ? "It goes on for ever and never repeats." : "";
  if (!run) part(".clock").textContent = "";
}
function stop() {
  if (!run) return;
  run.over = true;
  run.context.close().catch(() => {});
  run = null;
  settle();
}

async function stretch(now) {
  const { rate, ...asked } = now.value;
  for (let left = TRIES; left; left--) {
    try {
      return await server.chunk({ ...asked, k: now.k });
    } catch {
      if (now.over) return null;
      await pause(300);
    }
  }
  return { refusal: "The studio does not answer any more; please try again." };
}
function schedule(now, answer) {
  const bytes = Uint8Array.from(atob(answer.samples), (letter) => letter.charCodeAt(0));
  const whole = new DataView(bytes.buffer);
  const n = bytes.length / 2;
  const buffer = now.context.createBuffer(1, n, answer.rate);
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < n; i++) samples[i] = whole.getInt16(2 * i, true) / 32768;
  const source = now.context.createBufferSource();
  source.buffer = buffer;
  source.connect(now.analyser);
  const soonest = now.context.currentTime + LEAD;
  if (now.until < soonest) {
    if (now.k) element.dataset.gaps = Number(element.dataset.gaps || 0) + 1; // the next came too late
    now.until = Math.ceil(soonest * answer.rate) / answer.rate;
  }
  if (!now.k) {
    now.begun = now.until;
    element.dataset.wait = Math.round(
      performance.now() - now.pressed + 1000 * (now.until - now.context.currentTime),
    );
  }
  source.start(now.until);
  now.until += n / answer.rate;
  now.k += 1;
}
async function play() {
  refuse("");
  const value = { ...props.value };
  let context;
  // At the model's own rate stretches join sample by sample; at another each would be resampled alone.
  try {
    context = new AudioContext({ sampleRate: value.rate });
  } catch {
    context = new AudioContext();
  }
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  analyser.connect(context.destination);
  const now = {
    value,
    context,
    analyser,
    k: 0,
    until: 0,
    begun: 0,
    over: false,
    pressed: performance.now(),
  };
  run = now;
  element.dataset.gaps = 0;
  settle();
  context.resume().catch(() => {});
  requestAnimationFrame(() => show(now));
  while (!now.over) {
    if (now.k && now.until - context.currentTime > AHEAD) {
      await pause(150);
      continue;
    }
    const answer = await stretch(now);
    if (now.over) return;
    if (answer.refusal) {
      refuse(answer.refusal);
      stop();
      return;
    }
    schedule(now, answer);
  }
}

// ---- what is heard, drawn ------------------------------------------------------------------
const tint = Array.from({ length: 256 }, (_, i) => {
  const x = i / 255;
  return `rgb(${Math.round(24 + 231 * Math.min(1, 1.6 * x))}, ${Math.round(24 + 190 * Math.max(0, 1.7 * x - 0.7))}, ${Math.round(27 + 120 * Math.sin(Math.PI * x))})`;
});
function show(now) {
  if (!element.isConnected) stop(); // the page shows another kind of model
  if (now.over) return;
  const heard = Math.max(0, now.context.currentTime - now.begun);
  const seconds = now.k ? Math.floor(heard) : 0;
  part(".clock").textContent =
    `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const wave = new Float32Array(now.analyser.fftSize);
  now.analyser.getFloatTimeDomainData(wave);
  element.dataset.level = Math.hypot(...wave) / Math.sqrt(wave.length);
  element.dataset.heard = heard;
  canvas.hidden = calm.matches;
  if (!calm.matches) {
    const levels = new Uint8Array(now.analyser.frequencyBinCount);
    now.analyser.getByteFrequencyData(levels);
    const step = 2,
      width = canvas.width,
      height = canvas.height;
    pen.drawImage(canvas, -step, 0);
    const tall = height / levels.length;
    levels.forEach((level, i) => {
      pen.fillStyle = tint[level];
      pen.fillRect(width - step, height - (i + 1) * tall, step, tall + 1);
    });
  }
  requestAnimationFrame(() => show(now));
}

button.onclick = () => (run ? stop() : play());
watch("value", () => {
  if (run && run.value.key !== props.value.key) stop();
});
settle();
