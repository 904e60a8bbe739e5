// Shared by widgets that draw curves and maps on a canvas.

/** @type {(name: string) => string} */
const colour = (name) => getComputedStyle(element).getPropertyValue(name).trim();

// A clean sheet as fine as the screen, measured in pixels of the page; no width: it is not shown.
/** @type {(canvas: Part) => { pen: Pen, width: number, height: number }} */
function sheetOf(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  /** @type {CanvasRenderingContext2D} */
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "11px system-ui, sans-serif";
  return { pen, width, height };
}

/** @type {(pen: Pen, points: number[][]) => void} */
function line(pen, points) {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y); // the first one only moves there
  pen.stroke();
}

/** @type {(pen: Pen, x: number, y: number, radius: number) => void} */
function disc(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
}

// Draws again when the widget has another size or the page other colours.
/** @type {(draw: () => void) => void} */
function keepDrawn(draw) {
  new ResizeObserver(draw).observe(element);
  new MutationObserver(draw).observe(document.body, {
    attributes: true,
    attributeFilter: ["class"],
  });
}
