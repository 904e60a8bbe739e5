"""Models of motion on eight films: what they expect of the next frames, and how films go on.

    python -m benchmarks.films [--films NAME ...] [--motions NAME ...] [--seconds S]
    python -m benchmarks.films --table

Every model learns the first three quarters of a film at 128 x 128 pixels or as many. Of the last
quarter, which it never saw, the latents are inferred frame by frame, and what it expects one and
ten frames on is held against what came: f of the latents that are expected, mixed with what the
last frames tell themselves (`expect_ahead`). The error of f alone is kept beside it. Then it lets
the film go on eight times, for as long as it is itself, and once for 1,100 frames. Beside them
stands the linear dynamic system of Doretto, Chiuso, Wu and Soatto (2003): principal components, as
many as the vector models have numbers, and the same transition; mixed in the same way as well, in a
figure of its own. Films without a free licence are measured where they are at hand, and never
shown.
"""

import argparse
import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from abp_core.analysis.traces import metric_about
from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.device import cpu
from abp_core.evaluation import film as telling
from abp_core.evaluation.frechet import Gaussian, frechet
from abp_core.family.convnet import features
from abp_core.langevin import infer
from abp_core.observation import Full
from abp_core.posterior import Posterior
from abp_core.presets import PRESETS
from abp_core.priors.kinds import Motion, motion_of
from abp_core.priors.motion.ahead import expect_ahead
from abp_core.priors.motion.forecast import SEEN, Forecast
from abp_core.priors.motion.linear import Linear
from abp_core.priors.motion.transition import Transition
from abp_core.synthesis import sampling
from abp_core.trainer import Trainer
from benchmarks.report import EXAMPLES, RESULTS, ROOT, THREADS, machine_facts

SHARED = ROOT.parent / "shared" / "data" / "research"
VIDEOS = EXAMPLES / "videos"
FILMS = {
    **{name: VIDEOS / f"{name}.mp4" for name in ("river_256", "palms_256")},
    **{name: VIDEOS / f"{name}.mp4" for name in ("waving_tree", "rotating_earth")},
    **{name: SHARED / f"{name}_128.npz" for name in ("boiling_water", "fire_pot")},
    **{name: SHARED / f"{name}.avi" for name in ("flag", "fountain")},
}
PRESET_OF = {"windows": "film", "linear": "linear-film", "transition": "transition-film"}
DORETTO = "doretto"
ALONE = ", by f alone"  # without what f left of the frames before
D = 20  # principal components of Doretto's, as many numbers as the vector models have
AHEAD = (1, 10)  # frames
STEPS = 20  # of the walk to a held-back frame's latents, from those of the frame before
STEP = 0.6  # of such a walk of vectors
DRAWS = 8  # films that go on, each for as long as the real one: where they leap is chance
LONG = 1100  # frames of one that goes on for longer
DRIFT = 100  # of its last frames that are held against the film
STRIDE = 8  # of the pretrained network's features
KEPT = RESULTS / "films.json"
SHEETS = ROOT / "docs" / "results"


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """A model of motion. rebuilt (n, c, h, w): the whole film as its latents tell it. predict: what
    is expected so many frames after each frame, but the first few, after which there are as many.
    go_on: the next frames, so many, with a seed."""

    rebuilt: Tensor
    predict: Callable[[int], Tensor]
    go_on: Callable[[int, int], Tensor]


def main() -> int:
    args = _arguments()
    rows = json.loads(KEPT.read_text())["rows"] if KEPT.exists() else {}
    if args.table:
        print(table(rows))
        return 0
    torch.set_num_threads(args.threads)
    for name in args.films:
        if not FILMS[name].exists():
            print(f"{name} is not at hand and is left out.", flush=True)
            continue
        for motion in args.motions:
            begun, preset = perf_counter(), PRESETS[PRESET_OF.get(motion, "film")]
            whole, _ = datasets.load(FILMS[name], preset.training)  # as its network sees it
            first = 3 * len(whole.signals) // 4
            if motion == DORETTO:
                learnt = doretto(whole.signals, first)
            else:
                learnt = train(whole, first, PRESET_OF[motion], args.seconds)
            row, shown = measure(learnt, whole.signals, first)
            row["seconds"] = round(perf_counter() - begun, 1)
            print(name, motion, json.dumps(row), flush=True)
            rows.setdefault(name, {})[motion] = row
            KEPT.write_text(json.dumps({"machine": machine_facts(), "rows": rows}, indent=1) + "\n")
            if args.look:
                strip(whole.signals, shown).save(args.look / f"{name}-{motion}.png")
    return 0


def measure(learnt: Learnt, x: Tensor, first: int) -> tuple[dict[str, Any], Tensor]:
    """Its figures, and how the film goes on. x (n, c, h, w): the whole film, of which it saw
    `first` frames."""
    row: dict[str, Any] = {}
    for ahead in AHEAD:
        came, told = x[first + ahead :], learnt.predict(ahead)
        mixed = expect_ahead(x, learnt.rebuilt, told, ahead, first)
        row[f"ahead {ahead}"] = _error(mixed, came)
        row[f"ahead {ahead}{ALONE}"] = _error(told[-len(came) :], came)
    row["rebuilt"] = _error(learnt.rebuilt[first:], x[first:])
    near = [telling.distances(learnt.go_on(len(x), seed), x) for seed in range(1, DRAWS + 1)]
    for name in ("frames", "changes", "spectrum"):
        row[name] = round(fmean(getattr(each, name) for each in near), 2)
    made = learnt.go_on(LONG, 1)
    half = len(x) // 2
    looks = [_looks(part) for part in (x[:half], x[-half:], made[:half])]
    floor = frechet(looks[0], looks[1])
    row["features"] = round(
        (frechet(looks[2], looks[0]) + frechet(looks[2], looks[1])) / 2 / floor, 2
    )
    late = made[-DRIFT:]
    row["contrast"] = round(telling.contrast(late) / telling.contrast(x), 3)
    row["motion"] = round(telling.motion_energy(late) / telling.motion_energy(x), 3)
    return row, made


def _error(a: Tensor, b: Tensor) -> float:
    return round(float((a - b).square().mean().sqrt()), 4)


def train(whole: Dataset, first: int, preset: str, seconds: float) -> Learnt:
    """A network on the first frames, and its motion."""
    spec = PRESETS[preset].training
    size = tuple(whole.signals.shape[2:])
    spec = dataclasses.replace(
        spec, generator=spec.generator.fitted_to(size, whole.signals.shape[1])
    )
    trainer = Trainer(spec, dataclasses.replace(whole, signals=whole.signals[:first]))
    while trainer.seconds < seconds:
        trainer.step()
    saved = trainer.checkpoint()
    held = follow(saved, whole.signals[first:])
    motion, generator = motion_of(saved.prior()), saved.generator()
    z = torch.cat([saved.latents, held])

    def predict(ahead: int) -> Tensor:
        if isinstance(motion, Linear | Transition):
            return sampling.generate(generator, motion.predict(z[SEEN - 1 : -ahead], ahead))
        forecast = Forecast.of(saved.latents, ahead)
        later = forecast.predict(z[first - ahead - SEEN + 1 : -ahead])
        return sampling.generate(generator, torch.cat([forecast.held, later]))

    rebuilt = sampling.generate(generator, z)
    return Learnt(
        rebuilt, predict, lambda n, seed: sampling.generate(generator, _onwards(motion, n, seed))
    )


def follow(saved: Checkpoint, x: Tensor) -> Tensor:
    """The latents of frames x (n, c, h, w) that follow those learnt, each by a walk without noise
    from that of the frame before; of vectors in the metric of f about those learnt, since a run's
    own is of chains that are nearly at rest, or of the noise that drives them."""
    machine, generator = cpu(), saved.generator()
    if generator.spec.spatial:
        metric, step = saved.preconditioner(), saved.step_size
    else:
        metric, step = metric_about(generator, saved.latents, saved.sigma), STEP
    walk = dataclasses.replace(saved.spec.langevin.at(step), temperature=0.0)
    z, found = saved.latents[-1:], []
    still = torch.zeros(STEPS, *z.shape)
    for frame in torch.split(x, 1):
        posterior = Posterior(
            machine.chain_copy(generator), Full(), frame, torch.zeros(1).long(), saved.sigma, lot=0
        )
        z = infer(posterior.energy, z, still, walk, metric)
        found.append(z)
    return torch.cat(found)


def doretto(x: Tensor, first: int) -> Learnt:
    """Principal components of the first frames of x (n, c, h, w), and the same linear motion."""
    flat = x.flatten(1).double()
    mean = flat[:first].mean(0)
    *_, axes = torch.linalg.svd(flat[:first] - mean, full_matrices=False)
    axes = axes[:D]
    scores = (flat - mean) @ axes.T
    motion = Linear.of(scores[:first])

    def picture(z: Tensor) -> Tensor:
        return (z.double() @ axes + mean).float().view(-1, *x.shape[1:])

    return Learnt(
        picture(scores),
        lambda ahead: picture(motion.predict(scores[SEEN - 1 : -ahead], ahead)),
        lambda n, seed: picture(_onwards(motion, n, seed)).clamp(-1, 1),
    )


def _onwards(motion: Motion, n: int, seed: int) -> Tensor:
    return motion.chain(seed, onwards=True).part(0, n)


def _looks(film: Tensor) -> Gaussian:
    found = torch.cat([features(some, STRIDE) for some in torch.split(film[::2], 8)])
    return Gaussian.of(found.permute(0, 2, 3, 1).flatten(0, 2))


def strip(x: Tensor, made: Tensor, columns: int = 10) -> Image.Image:
    """The film above, how it goes on below, a frame every fifth of a second or so."""
    rows = []
    for film in (x, made[: len(x)], made[-len(x) :]):
        frames = sampling.pixels(film[:: max(1, len(x) // columns)][:columns])
        rows.append(sampling.contact_sheet(frames, columns))
    return Image.fromarray(torch.cat([torch.from_numpy(row) for row in rows]).numpy())


def table(rows: dict[str, Any]) -> str:
    """The kept rows in markdown; what is expected as a ratio to what Doretto's expects by its
    components alone."""
    columns = ("frames", "changes", "spectrum", "features", "contrast", "motion")
    ahead = [f"ahead {n}{alone}" for n in AHEAD for alone in ("", ALONE)]
    lines = [f"| film | motion | {' | '.join((*ahead, *columns))} |"]
    lines.append("|" + " --- |" * (2 + len(ahead) + len(columns)))
    for name, motions in rows.items():
        for motion, row in motions.items():
            cells = []
            for key in ahead:
                least = motions.get(DORETTO, {}).get(key.removesuffix(ALONE) + ALONE)
                cells.append(f"{row[key] / least:.2f}" if least else f"({row[key]})")
            cells += [f"{row[key]:.2f}" for key in columns]
            lines.append(f"| {name} | {motion} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(prog="python -m benchmarks.films", description="Models of motion.")
    parser.add_argument("--films", nargs="+", choices=list(FILMS), default=list(FILMS))
    motions = [DORETTO, *PRESET_OF]
    parser.add_argument("--motions", nargs="+", choices=motions, default=motions)
    parser.add_argument("--seconds", type=arguments.number("The seconds", 0, 1e5), default=60.0)
    parser.add_argument("--threads", type=arguments.count("The threads", 1, 256), default=THREADS)
    parser.add_argument("--look", type=Path, help="a folder for strips of how films go on")
    parser.add_argument("--table", action="store_true", help="print what was kept, measure nothing")
    return parser.parse_args()


if __name__ == "__main__":
    arguments.run(main)
