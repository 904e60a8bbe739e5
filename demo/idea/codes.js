// The codes over the prior, and the posterior of the chosen one with the last steps of its walk.

const SHOWN = 3.2; // deviations of the prior to either side
const LEVELS = [0.5, 2, 8, 32, 128]; // of U above its lowest: one and two deviations, and beyond

// U at every code of the lattice, for point i.
/** @type {(toy: Toy, lattice: Lattice, i: number) => Float64Array} */
function energiesOf({ network, x, sigma }, { side, f }, i) {
  return Float64Array.from({ length: f.length / 2 }, (_, k) => {
    const miss = (f[2 * k] - x[2 * i]) ** 2 + (f[2 * k + 1] - x[2 * i + 1]) ** 2;
    const second = network.latent === 2 ? codeAt(Math.floor(k / side), side) : 0;
    return miss / (2 * sigma * sigma) + (codeAt(k % side, side) ** 2 + second ** 2) / 2;
  });
}

/** @type {(width: number, z: number) => number} */
const rightward = (width, z) => (width / 2) * (1 + z / SHOWN);

/** @type {(toy: Toy, lattice: Lattice, hues: Hues, chosen: number) => void} */
function drawCodes(toy, lattice, hues, chosen) {
  const { pen, width } = sheetOf(part(".codes canvas"));
  if (!width) return;
  pen.lineCap = "round";
  if (toy.network.latent === 1) drawLine(pen, width, toy, lattice, hues, chosen);
  else drawSheet(pen, width, toy, lattice, hues, chosen);
}

// Codes of one number lie along a line; above it the prior, the posterior, and the walk upwards from
// now into the past.
/** @type {(pen: Pen, width: number, toy: Toy, lattice: Lattice, hues: Hues, chosen: number) => void} */
function drawLine(pen, width, toy, lattice, hues, chosen) {
  const ground = width * 0.82;
  const { side } = lattice;
  /** @type {(heights: (k: number) => number) => number[][]} */
  const hill = (heights) =>
    Array.from({ length: side }, (_, k) => [
      rightward(width, codeAt(k, side)),
      ground - 0.5 * width * heights(k),
    ]);
  pen.strokeStyle = colour("--abp-soft");
  pen.lineWidth = 1.5;
  pen.setLineDash([4, 4]);
  line(
    pen,
    hill((k) => 0.6 * Math.exp(-(codeAt(k, side) ** 2) / 2)),
  );
  pen.setLineDash([]);
  drawTicks(pen, width, ground);
  if (chosen < toy.count) {
    const energies = energiesOf(toy, lattice, chosen);
    const least = Math.min(...energies);
    pen.strokeStyle = colour("--abp-infer");
    pen.lineWidth = 2;
    line(
      pen,
      hill((k) => Math.exp(least - energies[k])),
    );
    drawTrail(pen, toy, chosen, (past, age) => [
      rightward(width, past[0]),
      ground - (age / TRAIL) * width * 0.74,
    ]);
  }
  for (let i = 0; i < toy.count; i++) {
    pen.fillStyle = hueOf(hues, toy.z[i]);
    disc(pen, rightward(width, toy.z[i]), ground + 9 + (i % 5) * 5, i === chosen ? 5 : 2.8);
    pen.fill();
  }
}
/** @type {(pen: Pen, width: number, ground: number) => void} */
function drawTicks(pen, width, ground) {
  pen.strokeStyle = colour("--abp-line");
  pen.fillStyle = colour("--abp-soft");
  pen.lineWidth = 1;
  pen.textAlign = "center";
  line(pen, [
    [0, ground],
    [width, ground],
  ]);
  for (let z = -2; z <= 2; z++) pen.fillText(String(z), rightward(width, z), width - 8);
}

// Codes of two numbers lie in a square: circles at one and two deviations of the prior, lines of
// equal posterior, and the walk.
/** @type {(pen: Pen, width: number, toy: Toy, lattice: Lattice, hues: Hues, chosen: number) => void} */
function drawSheet(pen, width, toy, lattice, hues, chosen) {
  /** @type {(z: Iterable<number>) => number[]} */
  const place = ([first, second]) => [rightward(width, first), width - rightward(width, second)];
  pen.strokeStyle = colour("--abp-soft");
  pen.setLineDash([4, 4]);
  for (const deviations of [1, 2]) {
    disc(pen, width / 2, width / 2, (deviations * width) / 2 / SHOWN);
    pen.stroke();
  }
  pen.setLineDash([]);
  if (chosen < toy.count) {
    const energies = energiesOf(toy, lattice, chosen);
    const least = Math.min(...energies);
    pen.strokeStyle = colour("--abp-infer");
    LEVELS.forEach((level, k) => {
      pen.globalAlpha = 1 - k / 6;
      drawContour(pen, energies, lattice.side, least + level, place);
    });
    pen.globalAlpha = 1;
    drawTrail(pen, toy, chosen, place);
  }
  for (let i = 0; i < toy.count; i++) {
    const [x, y] = place(toy.z.subarray(2 * i, 2 * i + 2));
    pen.fillStyle = hueOf(hues, toy.z[2 * i]);
    disc(pen, x, y, i === chosen ? 5 : 2.8);
    pen.fill();
  }
}

// Where the chosen code stood, the newest last and strongest. place: of a code, and how many steps
// ago.
/** @type {(pen: Pen, toy: Toy, chosen: number,
 *   place: (past: Float64Array, age: number) => number[]) => void} */
function drawTrail(pen, { network, trail, moved }, chosen, place) {
  const { latent } = network;
  const steps = Math.min(moved, TRAIL);
  /** @type {(age: number) => number[]} */
  const stood = (age) => {
    const past = trail[(moved - 1 - age) % TRAIL];
    return place(past.subarray(latent * chosen, latent * (chosen + 1)), age);
  };
  pen.strokeStyle = colour("--abp-ink");
  pen.lineWidth = 1.2;
  for (let age = steps - 1; age > 0; age--) {
    pen.globalAlpha = 1 - age / TRAIL;
    line(pen, [stood(age), stood(age - 1)]);
  }
  pen.globalAlpha = 1;
}

// The line along which values over the lattice stand at `level`, cell by cell.
/** @type {(pen: Pen, values: Float64Array, side: number, level: number,
 *   place: (z: number[]) => number[]) => void} */
function drawContour(pen, values, side, level, place) {
  const corners = [0, 1, side + 1, side]; // around a cell
  pen.lineWidth = 1.2;
  pen.beginPath();
  for (let k = 0; k < side * (side - 1); k++) {
    if (k % side === side - 1) continue;
    const crossings = corners.flatMap((corner, edge) => {
      const [from, to] = [k + corner, k + corners[(edge + 1) % 4]];
      if (values[from] < level === values[to] < level) return [];
      const share = (level - values[from]) / (values[to] - values[from]);
      const [row, column] = [Math.floor(from / side), from % side];
      const across = column + share * ((to % side) - column);
      const down = row + share * (Math.floor(to / side) - row);
      return [place([codeAt(across, side), codeAt(down, side)])];
    });
    crossings.forEach(([x, y], n) => {
      if (n % 2) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    });
  }
  pen.stroke();
}
