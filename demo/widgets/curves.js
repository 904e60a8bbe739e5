// Live curves: value {iterations: [], errors: [], latents: [], priors: [], title}, until there is a
// run of these curves' task; then those of the run. The third is of a prior that is learnt along:
// its values are null before it begins, and without one its figure is hidden.
const canvases = [...element.querySelectorAll("canvas")];
const outputs = [...element.querySelectorAll("output")];
const short = (y) => (y >= 100 ? y.toFixed(0) : y >= 1 ? y.toFixed(2) : y.toPrecision(2));

// Round values between low and high: three or so on a line, on a log axis 1, 2 and 5 of a decade.
function ticks(low, high, log) {
  if (log) {
    const found = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++) {
      for (const m of [1, 2, 5]) found.push(m * 10 ** e);
    }
    return found.filter((y) => y >= low && y <= high);
  }
  const step = 10 ** Math.floor(Math.log10((high - low) / 2));
  const wide = (high - low) / step > 5 ? 2 * step : step;
  const found = [];
  for (let y = Math.ceil(low / wide) * wide; y <= high; y += wide) found.push(+y.toPrecision(6));
  return found;
}

function plot(canvas, xs, ys, { hue, log, reference }) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth,
    height = canvas.clientHeight;
  if (!width) return;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const left = 40,
    bottom = height - 18,
    top = 6,
    right = width - 6;
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = colour("--abp-soft");
  pen.strokeStyle = colour("--abp-line");
  if (!xs.length) {
    pen.strokeRect(left, top, right - left, bottom - top);
    return;
  }
  const known = reference === undefined ? ys : [...ys, reference];
  let low = Math.min(...known),
    high = Math.max(...known);
  if (log) {
    low = Math.max(low / 1.15, 1e-5);
    high = Math.max(high * 1.15, low * 1.5);
  } else {
    const pad = (high - low || 1) * 0.12;
    low -= pad;
    high += pad;
  }
  const warp = log ? Math.log : (y) => y;
  const px = (x) => left + ((x - xs[0]) / (xs[xs.length - 1] - xs[0] || 1)) * (right - left);
  const py = (y) =>
    bottom -
    ((warp(Math.max(y, log ? 1e-5 : y)) - warp(low)) / (warp(high) - warp(low))) * (bottom - top);
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const y of ticks(low, high, log)) {
    pen.beginPath();
    pen.moveTo(left, py(y));
    pen.lineTo(right, py(y));
    pen.stroke();
    pen.fillText(short(y), left - 5, py(y));
  }
  pen.textBaseline = "alphabetic";
  pen.textAlign = "left";
  pen.fillText("iteration " + xs[0], left, height - 4);
  pen.textAlign = "right";
  pen.fillText(xs[xs.length - 1], right, height - 4);
  if (reference !== undefined) {
    pen.setLineDash([4, 4]);
    pen.strokeStyle = colour("--abp-soft");
    pen.beginPath();
    pen.moveTo(left, py(reference));
    pen.lineTo(right, py(reference));
    pen.stroke();
    pen.setLineDash([]);
  }
  pen.strokeStyle = colour(hue);
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  pen.beginPath();
  xs.forEach((x, i) => (i ? pen.lineTo(px(x), py(ys[i])) : pen.moveTo(px(x), py(ys[i]))));
  pen.stroke();
}

function draw() {
  const live = document.abpLive;
  const {
    iterations = [],
    errors = [],
    latents = [],
    priors = [],
  } = (live && live.task === props.task ? live.curves : props.value) || {};
  const { title } = props.value || {};
  if (title) {
    element.querySelector("figcaption b").textContent = title[0];
    element.querySelector("figcaption span").textContent = title[1];
  }
  plot(canvases[0], iterations, errors, { hue: "--abp-learn", log: true });
  plot(canvases[1], iterations, latents, {
    hue: "--abp-infer",
    reference: iterations.length ? 1 : undefined,
  });
  const first = priors.findIndex((y) => y !== null);
  const since = first < 0 ? priors.length : first;
  const learnt = { xs: iterations.slice(since), ys: priors.slice(since) };
  canvases[2].parentElement.hidden = !learnt.xs.length;
  plot(canvases[2], learnt.xs, learnt.ys, { hue: "--abp-learn" });
  [
    [iterations, errors],
    [iterations, latents],
    [learnt.xs, learnt.ys],
  ].forEach(([xs, ys], i) => {
    const last = ys[ys.length - 1];
    outputs[i].textContent = ys.length ? short(last) : "";
    const name = canvases[i].parentElement.querySelector("b").textContent;
    canvases[i].setAttribute(
      "aria-label",
      ys.length
        ? `${name}: ${short(ys[0])} at iteration ${xs[0]}, ${short(last)} at iteration ${xs[xs.length - 1]}`
        : `${name}, no values yet`,
    );
  });
}
new ResizeObserver(draw).observe(element);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
document.addEventListener("abp-live", draw);
draw();
