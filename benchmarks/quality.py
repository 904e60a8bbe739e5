"""How near the samples of a trained model come to the data it learnt from.

    python -m benchmarks.quality                            # every texture, three minutes each
    python -m benchmarks.quality --kind sound --name rain stream --minutes 5
    python -m benchmarks.quality --data my.jpg --preset quick-texture --every 10
    python -m benchmarks.quality --checkpoint model.safetensors
    python -m benchmarks.quality --kind sound --floors      # the real data alone, no training

Prints a row for each data set, merges it into results/quality-KIND.json, and writes samples
beside the original to docs/samples/. The README in this folder says what the figures mean.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from abp_core import command, data
from abp_core.checkpoint import Checkpoint
from abp_core.command import Refused
from abp_core.metrics.latents import latent_moments, neighbour_dependence
from abp_core.presets import PRESETS, Preset
from abp_core.spec import Kind
from abp_core.synthesis import prior
from abp_core.trainer import Diverging, Trainer
from abp_core.yardsticks.common import Row, Yardstick
from abp_core.yardsticks.objects import ObjectsYardstick
from abp_core.yardsticks.sound import SoundYardstick
from abp_core.yardsticks.texture import TextureYardstick
from benchmarks import sheets
from benchmarks.report import EXAMPLES, RESULTS, ROOT, THREADS, machine_facts

SHEETS = ROOT / "docs" / "samples"
FLOORS = "floors"  # the label of rows that tell of the real data alone

# What is printed of a row, by kind: heading and key.
COLUMNS: dict[Kind, list[tuple[str, str]]] = {
    "texture": [
        ("x floor", "ratio"),
        ("floor", "floor"),
        ("noise x", "noise_ratio"),
        ("colour", "colour"),
        ("its floor", "colour_floor"),
        ("copying", "copying"),
        ("its floor", "copying_floor"),
        ("repeats", "repeats"),
        ("variety", "variety"),
    ],
    "sound": [
        ("x floor", "ratio"),
        ("floor", "floor"),
        ("noise x", "noise_ratio"),
        ("spectrum dB", "spectrum"),
        ("its floor", "spectrum_floor"),
        ("loudness", "loudness"),
        ("variety", "variety"),
    ],
    "objects": [
        ("x floor", "ratio"),
        ("floor", "floor"),
        ("x PCA", "pca_ratio"),
        ("diversity", "diversity"),
        ("real", "diversity_floor"),
    ],
}
LATENTS = [("z mean", "mean"), ("z std", "std"), ("neighbours", "neighbours")]


def main() -> int:
    args = _arguments()
    torch.set_num_threads(args.threads)
    saved = Checkpoint.load(args.checkpoint) if args.checkpoint else None
    kind: Kind = saved.source.kind if saved else args.kind
    if args.data:
        kind = data.kind_of(args.data)
    label = args.label or (saved and args.checkpoint.stem) or args.preset or kind
    preset = PRESETS[args.preset or kind]
    if saved:
        preset = dataclasses.replace(preset, training=saved.spec)
    if preset.training.generator.kind != kind:
        raise Refused(f"{args.preset} is no preset for {kind}.")
    chosen = _chosen(args, kind, saved)
    _print_head(kind)
    for name, path in chosen:
        yardstick = _yardstick(kind, path, preset, args.steps)
        row: Row = {"label": FLOORS if args.floors else label, **yardstick.floors()}
        if not args.floors:
            row |= _trained_and_measured(yardstick, args, saved, name, label)
        _keep(kind, name, row := _with_ratios(row))
        _print_row(kind, name, row)
    return 0


def _arguments() -> argparse.Namespace:
    parser = command.Parser(
        prog="python -m benchmarks.quality", description="Measure what is learnt in minutes."
    )
    minutes = command.number("The minutes", 0, 10_000)
    seconds = command.number("The seconds", 0, 1e6)
    parser.add_argument("--kind", choices=("texture", "sound", "objects"), default="texture")
    parser.add_argument("--name", nargs="+", help="of the bundled data (default: all of its kind)")
    parser.add_argument("--data", type=Path, help="a file of your own instead")
    parser.add_argument("--minutes", type=minutes, default=3.0, help="of training each (default 3)")
    parser.add_argument("--preset", choices=PRESETS, help="default: as the kind")
    parser.add_argument("--seed", type=command.seed, default=0, help="of the training (default 0)")
    parser.add_argument("--every", type=seconds, help="also measure every so many seconds")
    parser.add_argument("--checkpoint", type=Path, help="measure this model, train nothing")
    parser.add_argument("--floors", action="store_true", help="measure the real data alone")
    parser.add_argument("--save", type=Path, help="folder for the checkpoints")
    parser.add_argument("--label", help="what the row is called (default: the preset's name)")
    parser.add_argument(
        "--steps",
        type=command.count("The steps", 1, 10_000),
        default=300,
        help="Langevin steps that infer a held-back picture (default 300, as the paper)",
    )
    parser.add_argument("--threads", type=int, default=THREADS)
    args = parser.parse_args()
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
    return args


def _chosen(
    args: argparse.Namespace, kind: Kind, saved: Checkpoint | None
) -> list[tuple[str, Path]]:
    """Names and files of the data to measure."""
    if args.data:
        return [(args.data.stem, args.data)]
    bundled = {item.path.stem: item.path for item in data.pack(EXAMPLES) if item.kind == kind}
    names = args.name or ([saved.source.name] if saved else list(bundled))
    if unknown := [name for name in names if name not in bundled]:
        raise Refused(f"There is no {kind} {unknown[0]} in the pack; name its file with --data.")
    return [(name, bundled[name]) for name in names]


def _yardstick(kind: Kind, path: Path, preset: Preset, steps: int) -> Yardstick:
    if kind == "objects":
        return ObjectsYardstick(path, preset, steps)
    return TextureYardstick(path, preset) if kind == "texture" else SoundYardstick(path, preset)


def _trained_and_measured(
    yardstick: Yardstick,
    args: argparse.Namespace,
    saved: Checkpoint | None,
    name: str,
    label: str,
) -> Row:
    """Trains, or takes the checkpoint, and measures; writes the sheet and the checkpoint."""
    row: Row = {}
    if saved is None:
        dataset, spec = yardstick.training()
        trainer = Trainer(dataclasses.replace(spec, seed=args.seed), dataset)
        curve = []
        for saved in _training(trainer, 60 * args.minutes, args.every):
            if args.every:
                distance = yardstick.distance(yardstick.samples(saved)[0])
                curve.append([round(saved.seconds, 1), round(distance, 4)])
        row = {"curve": curve} if args.every else {}
    assert saved is not None
    if args.save:
        saved.save(args.save / f"{name}-{label}.safetensors")
    samples = yardstick.samples(saved)
    row |= yardstick.measure(samples) | {"latents": _latents(saved)}
    row |= {"seconds": saved.seconds, "iterations": saved.iteration}
    if isinstance(yardstick, ObjectsYardstick):
        made, row["test"] = yardstick.reconstructed(saved)
        sheet = sheets.sets(yardstick.held, made, samples)
    elif isinstance(yardstick, SoundYardstick):
        sheet = sheets.sounds(yardstick.real, samples, yardstick.rate)
    else:
        assert isinstance(yardstick, TextureYardstick)
        sheet = sheets.textures(yardstick.real, samples)
    SHEETS.mkdir(parents=True, exist_ok=True)
    beside = "" if label in ("texture", "sound", "objects") else f"-{label}"
    sheet.save(SHEETS / f"{name}{beside}.webp", quality=80, method=6)
    return row


def _training(trainer: Trainer, seconds: float, every: float | None) -> Iterator[Checkpoint]:
    """The run after every so many seconds of computing, and at its end."""
    diverging, mark = Diverging(trainer.chains), every or seconds
    while trainer.seconds < seconds:
        if diverging.seen(trainer.step()):
            break
        if mark <= trainer.seconds < seconds:
            yield trainer.checkpoint()
            mark += every or seconds
    yield trainer.checkpoint()


def _latents(saved: Checkpoint) -> Row:
    """The persistent chains against as many draws from the prior."""
    drawn = prior(saved.spec.generator.latent_shape, len(saved.latents), 1)
    return dataclasses.asdict(latent_moments(saved.latents)) | {
        "neighbours": neighbour_dependence(saved.latents),
        "neighbours_floor": neighbour_dependence(drawn),
    }


def _with_ratios(row: Row) -> Row:
    """Every figure beside its floor also as a multiple of it; five digits are kept."""
    for ratio, above, below in (
        ("ratio", row.get("distance"), row["floor"]),
        ("noise_ratio", row.get("noise"), row["floor"]),
        ("pca_ratio", row.get("test", {}).get("squared"), row.get("pca", {}).get("squared")),
    ):
        if above is not None:
            row[ratio] = above / below
    return json.loads(json.dumps(row), parse_float=lambda text: float(f"{float(text):.5g}"))


def _keep(kind: Kind, name: str, row: Row) -> None:
    """Merges a row into results/quality-KIND.json, by name and label; the file is read anew, since
    another run may have written to it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"quality-{kind}.json"
    rows: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    label = row.pop("label")
    rows.setdefault(name, {})[label] = row | {"machine": machine_facts()}
    path.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")


def _print_head(kind: Kind) -> None:
    heads = [head for head, _ in [*COLUMNS[kind], *LATENTS]]
    print(f"{'':20}" + "".join(f"{head:>12}" for head in heads), flush=True)


def _print_row(kind: Kind, name: str, row: Row) -> None:
    figures = [row.get(key) for _, key in COLUMNS[kind]]
    figures += [row.get("latents", {}).get(key) for _, key in LATENTS]
    cells = ["" if figure is None else f"{figure:.3f}" for figure in figures]
    print(f"{name:20}" + "".join(f"{cell:>12}" for cell in cells), flush=True)


if __name__ == "__main__":
    command.run(main)
