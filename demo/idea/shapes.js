// Ready-made points of the plane, within [-1.3, 1.3] both ways.

/** @type {(count: number, place: (share: number, k: number) => number[]) => number[][]} */
const along = (count, place) => Array.from({ length: count }, (_, k) => place(k / (count - 1), k));

/** @type {(radius: number, turn: number) => number[]} */
const polar = (radius, turn) => [
  radius * Math.cos(2 * Math.PI * turn),
  radius * Math.sin(2 * Math.PI * turn),
];

// A stroke of a letter: points along the line through these corners.
/** @type {(corners: number[][], count: number) => number[][]} */
const stroke = (corners, count) =>
  along(count, (share) => {
    const at = share * (corners.length - 1);
    const k = Math.min(Math.floor(at), corners.length - 2);
    const [from, to] = [corners[k], corners[k + 1]];
    return [0, 1].map((axis) => from[axis] + (at - k) * (to[axis] - from[axis]));
  });

/** @type {{ [name: string]: () => number[][] }} */
const SHAPES = {
  spiral: () => along(72, (share) => polar(0.25 + 0.95 * share, 1.4 * Math.sqrt(0.04 + share))),
  ring: () => along(60, (share, k) => polar(k % 2 ? 1.02 : 0.98, share * (59 / 60))),
  moons: () => [
    ...along(32, (share) => {
      const [x, y] = polar(0.8, share / 2);
      return [x - 0.4, y - 0.2];
    }),
    ...along(32, (share) => {
      const [x, y] = polar(0.8, 0.5 + share / 2);
      return [x + 0.4, y + 0.2];
    }),
  ],
  letter: () => [
    ...stroke(
      [
        [-0.9, -1.1],
        [0, 1.1],
        [0.9, -1.1],
      ],
      49,
    ),
    ...stroke(
      [
        [-0.5, -0.25],
        [0.5, -0.25],
      ],
      13,
    ),
  ],
};
