// Live curves: value {iterations: [], errors: [], latents: [], priors: [], title}, until there is a
// run of these curves' task; then those of the run. The third is of a prior that is learnt along:
// its values are null before it begins, and without one its figure is hidden.

function draw() {
  /** @type {Curves} */
  const own = props.value || {};
  const { iterations = [], errors = [], latents = [], priors = [] } = liveRun()?.curves || own;
  if (own.title) {
    part("figcaption b").textContent = own.title[0];
    part("figcaption span").textContent = own.title[1];
  }
  const first = priors.findIndex((y) => y !== null);
  const since = first < 0 ? priors.length : first;
  const reference = iterations.length ? 1 : undefined;
  const plots = [
    { xs: iterations, ys: errors, how: { hue: "--abp-learn", log: true } },
    { xs: iterations, ys: latents, how: { hue: "--abp-infer", reference } },
    { xs: iterations.slice(since), ys: priors.slice(since), how: { hue: "--abp-learn" } },
  ];
  const figures = all("figure");
  figures[2].hidden = since === priors.length;
  plots.forEach(({ xs, ys, how }, i) => {
    plot(part("canvas", figures[i]), xs, ys, how);
    describe(figures[i], xs, ys);
  });
}
keepDrawn(draw);
document.addEventListener("abp-live", draw);
draw();
