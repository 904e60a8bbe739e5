"""Experiment 7 of the paper: how well pictures that were not learnt from are told in d numbers.

    python -m benchmarks.reconstruction                       # every set at hand, every row
    python -m benchmarks.reconstruction --sets olivetti --rows d20 d200 --minutes 10
    python -m benchmarks.reconstruction --table               # the kept rows in markdown
    python -m benchmarks.reconstruction --sets olivetti --rows d20 --curve

Test pictures are inferred from z ~ N(0, I) with STEPS steps downhill (temperature 0), as PCA's
projection, too, is the nearest that it can say: with our metric and its step, and with the paper's
plain steps of .05. --curve measures as training goes on and draws docs/reconstruction.webp.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from abp_core.adaptation.preconditioner import Preconditioner
from abp_core.cli import arguments
from abp_core.data.datasets import Dataset
from abp_core.evaluation import objects
from abp_core.family.trial import Trial
from abp_core.family.vae import VAE
from abp_core.langevin import infer
from abp_core.learning.events import Diverging
from abp_core.noise import chain_noise
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.priors.normal import Normal
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks import learning, picture_sets, tables
from benchmarks.picture_sets import PictureSet
from benchmarks.report import ROOT

ROWS = {"d20": 20, "d60": 60, "d100": 100, "d200": 200}
RECALLED = {"d20": (0.0810, 0.1038), "d60": (0.0617, 0.0820), "d100": (0.0549, 0.0722),
            "d200": (0.0523, 0.0621)}  # fmt: skip
TARGET = 0.75  # of PCA's error
STEPS = 300  # of inference (paper: l = 300)
STEP_SIZE = 0.05  # of the paper's plain walk
COUNTED = 100  # test pictures
POINTS = 10  # of the curve
CURVE = ROOT / "docs" / "reconstruction.webp"
ITERATIONS, PICTURES = 600 * 10, 1000  # of the paper: 600 epochs of batches of 100


def main() -> int:
    about = "Tell test pictures in d numbers: against PCA and a variational auto-encoder."
    args = tables.table_arguments("reconstruction", about, list(ROWS), 5.0, curve=True)
    if args.table:
        print(table(tables.read(args.results)))
        return tables.finish(tables.read(args.results))
    done: dict[str, Any] = {}
    for pictures in picture_sets.chosen(args.data, args.sets):
        for label in args.rows:
            points = POINTS if args.curve else 1
            row = measured(pictures, ROWS[label], args.minutes, args.seed, points)
            row = tables.keep(args.results, pictures.name, label, row)
            done.setdefault(pictures.name, {})[label] = row
            print(pictures.name, label, _line(row), flush=True)
            if args.curve:
                draw(row, f"{pictures.name}, d = {ROWS[label]}", CURVE)
    return tables.finish(done)


def measured(
    pictures: PictureSet, d: int, minutes: float, seed: int, points: int
) -> dict[str, Any]:
    """Test errors of ours, of PCA and of the auto-encoder, trained for as long; and both curves."""
    train, test = pictures.split()
    test = test[:COUNTED]
    data = Dataset(train, pictures.data.source)
    spec = settings_for(data, d, seed)
    trainer, vae = Trainer(spec, data), VAE(Trial(data, test, spec), seed)
    ours, theirs = [], []
    for _ in _ours(trainer, minutes, points):
        found = tables.errors(inferred(trainer, test), test)
        ours.append([trainer.seconds, found["absolute"], found["squared"]])
    for _ in _theirs(vae, minutes, points):
        found = tables.errors(vae.rebuild(test), test)
        theirs.append([vae.seconds, found["absolute"], found["squared"]])
    plain = LangevinSpec(steps=STEPS, step_size=STEP_SIZE, temperature=0.0)
    return {
        "ours": tables.errors(inferred(trainer, test), test),
        "ours, plain steps of .05": tables.errors(inferred(trainer, test, plain), test),
        "PCA": tables.errors(objects.pca_reconstruction(train, test, d), test),
        "VAE": tables.errors(vae.rebuild(test), test),
        "VAE, refined": tables.errors(refined(vae, test, STEPS), test),
        "curve": ours,
        "VAE curve": theirs,
        "training": len(train),
        "test": len(test),
        "sigma": spec.sigma,
        "minutes": trainer.seconds / 60,
        "iterations": trainer.iteration,
        "VAE iterations": vae.iteration,
    }


def settings_for(data: Dataset, d: int, seed: int) -> TrainingSpec:
    return learning.settings(data, d=d, sigma=0.3, seed=seed)


def inferred(trainer: Trainer, test: Tensor, walk: LangevinSpec | None = None) -> Tensor:
    """f(z) of test pictures (n, c, h, w) after a walk downhill from the prior: by the run's own
    metric and step unless `walk` is told."""
    spec = trainer.spec
    shape, index = spec.generator.latent_shape, torch.arange(len(test))
    preconditioner = Preconditioner.of(trainer.curvature) if walk is None else None
    if walk is None:
        walk = spec.langevin.at(trainer.step_size)
        walk = dataclasses.replace(walk, steps=STEPS, temperature=0.0)
    posterior = Posterior(trainer.generator, Full(), test, index, trainer.sigma)
    noise = chain_noise(seed=0, sweep=1, index=index, steps=STEPS, shape=shape)
    z = infer(posterior.energy, Normal(shape).draw(len(test), 0), noise, walk, preconditioner)
    with torch.inference_mode():
        made: Tensor = trainer.generator(z)
    return made


def refined(vae: VAE, x: Tensor, steps: int, rate: float = 0.05) -> Tensor:
    """The decoder's nearest to x, downhill from the encoder's mean: what inference adds."""
    z = vae.means(x).clone().requires_grad_(True)
    optimiser = torch.optim.Adam([z], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        functional.mse_loss(vae.decoder(z), x, reduction="sum").backward(inputs=[z])
        optimiser.step()
    with torch.inference_mode():
        made: Tensor = vae.decoder(z)
    return made


def _ours(trainer: Trainer, minutes: float, points: int) -> Iterator[None]:
    diverging, marks = Diverging(trainer.chains), _marks(minutes, points)
    while trainer.seconds < 60 * minutes:
        if diverging.observe(trainer.step()):
            break
        if marks and trainer.seconds >= marks[0]:
            marks.pop(0)
            yield
    yield


def _theirs(vae: VAE, minutes: float, points: int) -> Iterator[None]:
    marks = _marks(minutes, points)
    while vae.seconds < 60 * minutes:
        for _ in vae.alternation():
            pass
        if marks and vae.seconds >= marks[0]:
            marks.pop(0)
            yield
    yield


def _marks(minutes: float, points: int) -> list[float]:
    """Seconds at which the curve is measured before its end, closer together at the beginning."""
    return [60 * minutes * (k / points) ** 1.5 for k in range(1, points)]


def draw(row: dict[str, Any], title: str, path: Path) -> None:
    """Test error against training time, and PCA's, which takes none."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for curve, label in ((row["curve"], "ABP"), (row["VAE curve"], "VAE, same decoder")):
        axes.plot([p[0] for p in curve], [p[1] for p in curve], marker="o", label=label)
    axes.axhline(row["PCA"]["absolute"], color="0.4", linestyle="--", label="PCA")
    axes.set(title=title, xlabel="seconds of training", ylabel="mean absolute test error (range 1)")
    axes.set_ylim(bottom=0)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _line(row: dict[str, Any]) -> str:
    ratio = row["ours"]["absolute"] / row["PCA"]["absolute"]
    return (
        f"ours {tables.pair(row['ours'])}, PCA {tables.pair(row['PCA'])} x{ratio:.2f}, "
        f"VAE {tables.pair(row['VAE'])}"
    )


def table(kept: dict[str, Any]) -> str:
    """Errors are mean absolute / root mean square, over all pixels, range 1."""
    heads = ["set", "row", "ours", "ours, plain steps of .05", "PCA", "VAE", "VAE, refined",
             "x PCA", "target", "x VAE", "shortened"]  # fmt: skip
    shown = heads[2:7]
    rows = []
    for name, labels in kept.items():
        for label in [label for label in ROWS if label in labels]:
            row = labels[label]
            ours = row["ours"]
            ratios = [
                " / ".join(
                    tables.figure(ours[kind] / row[other][kind], 2)
                    for kind in ("absolute", "squared")
                )
                for other in ("PCA", "VAE")
            ]
            rows.append(
                [
                    name,
                    f"d = {ROWS[label]}",
                    *(tables.pair(row[head]) for head in shown),
                    ratios[0],
                    tables.figure(TARGET, 2),
                    ratios[1],
                    f"{row['training']} pictures of {PICTURES:,}; {row['minutes']:.1f} min, "
                    f"{row['iterations']:,} iterations of {ITERATIONS:,}",
                ]
            )
    for label, (absolute, components) in RECALLED.items():
        ratio = tables.figure(absolute / components, 2)
        rows.append(
            [f"paper ({tables.RECALLED})", f"d = {ROWS[label]}", tables.figure(absolute), "",
             tables.figure(components), "", "", ratio, "", "", ""]
        )  # fmt: skip
    return tables.markdown(heads, rows)


if __name__ == "__main__":
    arguments.run(main)
