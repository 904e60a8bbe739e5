"""Iterations a second beside peers' own code, on the same networks and pictures.

    python -m benchmarks.peers --parem /path/to/ParEM/torch
    python -m benchmarks.peers --parem ... --coopnets /path/to/pytorch-CoopNets --ebm ... --rounds 5

Every folder is one of a peer's repositories; nothing of it is kept here. --parem: of the package
`parem` (Kuntz, Lim and Johansen 2023; github.com/juankuntz/ParEM). --coopnets: Xie, Lu, Gao and Wu
2018 (github.com/FANG-Xiaolin/pytorch-CoopNets). --ebm: Nijkamp, Hill, Han, Zhu and Wu 2020
(github.com/point0bar1/ebm-anatomy). Our generator and descriptor are put in the place of their
networks, and their own loops run: with as many chains, pictures and moves, in float32, which is how
they are written; ours is as it ships (bf16 where the processor has that itself, unless --float32).
Ours and theirs take turns of some iterations, so that what else the machine does falls on both; a
figure is the median over the turns' ratios. What only their reports need (wandb, torchvision, cv2,
torchmetrics, torchtyping) need not be installed.
"""

import dataclasses
import statistics
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch
from torch.nn import functional

from abp_core import device
from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.data.datasets import Dataset
from abp_core.errors import Refusal
from abp_core.family.cooperative import Cooperative, CooperativeSpec
from abp_core.family.descriptor import Descriptor, DescriptorSpec
from abp_core.family.energies import bottom_up
from abp_core.family.field import FieldSpec
from abp_core.family.member import Member
from abp_core.family.trial import Trial
from abp_core.family.vae import VAE
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec, TrainingSpec
from abp_core.trainer import Trainer
from benchmarks.plugged import anatomy, coopnets, parem
from benchmarks.plugged.loops import Step
from benchmarks.report import BUNDLED, THREADS, keep

BATCH, STEPS, PARTICLES = 32, 10, 4
STEP_SIZE = 0.01  # of ABP's walks
TURN = 1.0  # seconds, about, that a side computes at a time
DESCRIPTOR = DescriptorSpec(chains=BATCH, extent=32, field=FieldSpec(steps=STEPS))
COOPERATIVE = CooperativeSpec(  # proposals are all fresh every iteration, as in the paper
    proposals=BATCH, extent=32, lasting=1, field=FieldSpec(steps=STEPS)
)
Pairs = dict[str, Callable[[], tuple[Step, Step]]]  # ours and theirs, made when it is their turn


def main() -> int:
    args = _arguments()
    torch.set_num_threads(args.threads)
    if args.float32:
        patch.object(device, "native_bf16", lambda: False).start()
    found = {}
    with TemporaryDirectory() as scratch:
        for name, pair in _pairs(args, Path(scratch)).items():
            found[name] = compare(*pair(), args.rounds)
            print(name, found[name], flush=True)
        print(keep("peers-float32" if args.float32 else "peers", found))
    return 0


def _arguments() -> Namespace:
    parser = arguments.Parser(prog="python -m benchmarks.peers", description=__doc__.split("\n")[0])
    parser.add_argument("--parem", type=Path, help="the folder that holds the package parem")
    parser.add_argument("--coopnets", type=Path, help="the folder of pytorch-CoopNets")
    parser.add_argument("--ebm", type=Path, help="the folder of ebm-anatomy")
    parser.add_argument("--rounds", type=arguments.count("The rounds", 1, 1000), default=8)
    parser.add_argument("--threads", type=arguments.count("The threads", 1, 256), default=THREADS)
    parser.add_argument("--float32", action="store_true", help="ours without bf16")
    args = parser.parse_args()
    if not (args.parem or args.coopnets or args.ebm):
        raise Refusal("There is no peer to compare with; name a folder by --parem or the others.")
    return args


def _pairs(args: Namespace, scratch: Path) -> Pairs:
    """Of the peers that are there, by what is compared."""
    data, spec = small_pictures()
    pairs: Pairs = {}
    if args.parem:
        pairs |= _beside_parem(args.parem, data, spec)
    trial = _centred(data, spec)
    if args.coopnets:
        peer = coopnets.load(args.coopnets)
        pairs["CoopNets"] = lambda: (
            _stepping(_our_cooperative(trial)),
            coopnets.stepping(peer, trial, COOPERATIVE, scratch),
        )
    if args.ebm:
        pairs["descriptor"] = lambda: (
            _stepping(_our_descriptor(trial)),
            anatomy.stepping(args.ebm, trial, DESCRIPTOR, scratch),
        )
    return pairs


def _beside_parem(folder: Path, data: Dataset, spec: TrainingSpec) -> Pairs:
    peer = parem.load(folder)
    several = {"particles": PARTICLES, "langevin": _walk(1)}

    def theirs(algorithm: str, **settings: Any) -> Step:
        return parem.stepping(peer, algorithm, spec, data, **settings)

    return {
        "ABP": lambda: (
            _ours(spec, data),
            theirs("AlternatingBackprop", n_chain_length=STEPS),
        ),
        "particles": lambda: (
            _ours(spec, data, **several),
            theirs("PGD", n_particles=PARTICLES),
        ),
        "short run": lambda: (
            _ours(spec, data, persistent=False),
            theirs("ShortRun", n_chain_length=STEPS),
        ),
        "VAE": lambda: (
            _stepping(VAE(Trial(data, data.signals[:2], spec), 0)),
            theirs("VI", q_optimizer="adam"),
        ),
    }


def small_pictures() -> tuple[Dataset, TrainingSpec]:
    """Faces of 32 x 32, which ParEM's encoder is made for, and the settings of both: the paper's
    two moves and nothing beside them."""
    data, spec = datasets.load(BUNDLED["objects"], PRESETS["objects"].training)
    small = dataclasses.replace(data, signals=functional.avg_pool2d(data.signals, 2))
    return small, dataclasses.replace(
        spec,
        generator=spec.generator.fitted_to((32, 32), small.signals.shape[1]),
        langevin=_walk(STEPS),
        batch_size=BATCH,
        sample_loss_rate=0.0,
        standardised=False,
        components=False,
        halved_after=0,
    )


def compare(ours: Step, theirs: Step, rounds: int) -> dict[str, float]:
    """Milliseconds an iteration of each, and how many of ours go into one of theirs: medians over
    turns that follow each other, and the ratio's range."""
    lengths = [max(1, round(TURN / _seconds(step, 2))) for step in (ours, theirs)]
    turns = [
        [_seconds(step, n) for step, n in zip((ours, theirs), lengths, strict=True)]
        for _ in range(rounds)
    ]
    ratios = [b / a for a, b in turns]
    return {
        "ours_ms": round(1000 * statistics.median(a for a, _ in turns), 1),
        "theirs_ms": round(1000 * statistics.median(b for _, b in turns), 1),
        "ratio": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
    }


def _seconds(step: Step, n: int) -> float:
    """An iteration, over n."""
    began = perf_counter()
    for _ in range(n):
        step()
    return (perf_counter() - began) / n


def _walk(steps: int) -> LangevinSpec:
    return LangevinSpec(steps=steps, step_size=STEP_SIZE)


def _ours(spec: TrainingSpec, data: Dataset, **changes: Any) -> Step:
    return Trainer(dataclasses.replace(spec, **changes), data).step


def _stepping(member: Member) -> Step:
    return lambda: list(member.alternation())


def _centred(data: Dataset, spec: TrainingSpec) -> Trial:
    """The pictures about nought, where CoopNets' reference stands."""
    signals = data.signals - data.signals.mean((0, 2, 3), keepdim=True)
    return Trial(dataclasses.replace(data, signals=signals), signals[:2], spec)


def _our_descriptor(trial: Trial) -> Descriptor:
    reference = DESCRIPTOR.field.reference * trial.data.deviation
    return Descriptor(trial, 0, bottom_up(trial, reference, 0), DESCRIPTOR)


def _our_cooperative(trial: Trial) -> Cooperative:
    reference = COOPERATIVE.field.reference * trial.data.deviation
    return Cooperative(trial, 0, bottom_up(trial, reference, 0), COOPERATIVE)


if __name__ == "__main__":
    arguments.run(main)
