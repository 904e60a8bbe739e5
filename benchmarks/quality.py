"""How near the samples of a trained model come to the data it learnt from.

    python -m benchmarks.quality                            # every texture, three minutes each
    python -m benchmarks.quality --kind sound --name rain stream --minutes 5
    python -m benchmarks.quality --data my.jpg --preset quick-texture --every 10
    python -m benchmarks.quality --checkpoint checkpoints/*.safetensors --results quality-before
    python -m benchmarks.quality --samples folder           # of anything: NAME-0.png ...
    python -m benchmarks.quality --kind sound --floors      # the real data alone, no training

Prints for each data set the yardsticks that nothing learns from, and beside them the statistics
that lessons used; merges the row into results/quality-KIND.json, and writes a contact sheet to
docs/samples/. The README in this folder says what the figures mean.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from abp_core.checkpoint import Checkpoint
from abp_core.cli import arguments
from abp_core.data import datasets
from abp_core.data.pack import read_pack
from abp_core.errors import Refusal
from abp_core.evaluation.latents import latent_moments, neighbour_dependence
from abp_core.learning.events import Diverging
from abp_core.presets import PRESETS
from abp_core.priors.normal import Normal
from abp_core.spec import Kind
from abp_core.trainer import Trainer
from abp_core.zoo.yardsticks.common import Row
from abp_core.zoo.yardsticks.objects import ObjectsYardstick
from benchmarks import rebuilt, sheets
from benchmarks.originals import Original
from benchmarks.report import EXAMPLES, RESULTS, ROOT, THREADS, machine_facts
from benchmarks.yardsticks.features import STRIDES

SHEETS = ROOT / "docs" / "samples"
FLOORS = "floors"  # the label of rows that tell of the real data alone

# What is printed of a row, by kind: heading and keys. First what nothing learns from.
UNLEARNT: dict[Kind, list[tuple[str, str]]] = {
    "texture": [
        ("features", "unlearnt.features"),
        *((f"at {stride}", f"unlearnt.features_by_stride.{stride}") for stride in STRIDES),
        ("critic", "unlearnt.critic_full"),
        ("quarter", "unlearnt.critic_quarter"),
        ("halves", "unlearnt.floors.critic_quarter"),
        ("copied 32", "unlearnt.copied_32"),
        ("96", "unlearnt.copied_96"),
        ("again 32", "unlearnt.repeated_32"),
        ("96", "unlearnt.repeated_96"),
        ("explained", "explained.learnt"),
        ("inferred", "explained.inferred"),
    ],
    "sound": [
        ("critic", "unlearnt.critic"),
        ("halves", "unlearnt.floors.critic"),
        ("loud dB", "unlearnt.levels"),
        ("halves", "unlearnt.floors.levels"),
        ("notes dB", "unlearnt.notes"),
        ("halves", "unlearnt.floors.notes"),
        ("onsets/s", "unlearnt.rate"),
        ("clip's", "unlearnt.floors.rate"),
        ("spread", "unlearnt.spread"),
        ("clip's", "unlearnt.floors.spread"),
        ("decay dB", "unlearnt.ring"),
        ("clip's", "unlearnt.floors.ring"),
        ("copied .1", "unlearnt.copied_0.1s"),
        ("1 s", "unlearnt.copied_1s"),
        ("again .1", "unlearnt.repeated_0.1s"),
        ("1 s", "unlearnt.repeated_1s"),
        ("explained", "explained.learnt"),
        ("inferred", "explained.inferred"),
    ],
    "objects": [
        ("patches", "unlearnt.distance"),
        ("nearest", "unlearnt.nearest"),
        ("diversity", "unlearnt.diversity"),
        ("critic", "unlearnt.critic"),
        ("real", "unlearnt.floors.critic"),
        ("explained", "explained.learnt"),
        ("inferred", "explained.inferred"),
    ],
}
STATISTICS: dict[Kind, list[tuple[str, str]]] = {
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
        ("spec. dB", "spectrum"),
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
LATENTS = [("z mean", "latents.mean"), ("z std", "latents.std"), ("z near", "latents.neighbours")]
WIDE = 10  # characters of a column


def main() -> int:
    args = _arguments()
    torch.set_num_threads(args.threads)
    printed: Kind | None = None
    for original, saved in _chosen(args):
        if original.kind != printed:
            _print_head(original.kind, args.unlearnt)
            printed = original.kind
        label = FLOORS if args.floors else _label(args, original, saved)
        row: Row = {"unlearnt": {"floors": original.judge.floors()}}
        if not args.unlearnt:
            row |= original.statistics.floors()
        if args.samples:
            row = _judged(row, original, original.read(args.samples), args)
        elif not args.floors:
            row = _trained_and_measured(row, original, args, saved, label)
        row = _with_ratios(row)
        _keep(args.results or f"quality-{original.kind}", original.name, label, row)
        _print_row(original, row, args.unlearnt)
    return 0


def _arguments() -> argparse.Namespace:
    parser = arguments.Parser(
        prog="python -m benchmarks.quality", description="Measure what is learnt in minutes."
    )
    minutes = arguments.number("The minutes", 0, 10_000)
    seconds = arguments.number("The seconds", 0, 1e6)
    parser.add_argument("--kind", choices=("texture", "sound", "objects"), default="texture")
    parser.add_argument("--name", nargs="+", help="of the bundled data (default: all of its kind)")
    parser.add_argument("--data", type=Path, help="a file of your own instead")
    parser.add_argument("--minutes", type=minutes, default=3.0, help="of training each (default 3)")
    parser.add_argument("--preset", choices=PRESETS, help="default: as the kind")
    parser.add_argument(
        "--seed", type=arguments.seed, default=0, help="of the training (default 0)"
    )
    parser.add_argument("--every", type=seconds, help="also measure every so many seconds")
    parser.add_argument(
        "--checkpoint", type=Path, nargs="+", help="measure these models, train nothing"
    )
    parser.add_argument(
        "--samples", type=Path, help="folder of samples NAME-0.png, NAME-1.flac: measure those"
    )
    parser.add_argument("--floors", action="store_true", help="measure the real data alone")
    parser.add_argument(
        "--unlearnt", action="store_true", help="leave out the statistics that lessons used"
    )
    parser.add_argument(
        "--swift", action="store_true", help="do not infer what was not learnt, which takes longest"
    )
    parser.add_argument("--save", type=Path, help="folder for the checkpoints")
    parser.add_argument("--keep", type=Path, help="folder for the samples")
    parser.add_argument(
        "--before", type=Path, help="folder of samples of the model before, for the contact sheet"
    )
    parser.add_argument("--sheets", type=Path, default=SHEETS, help="folder of contact sheets")
    parser.add_argument("--results", help="file in results/ (default: quality-KIND)")
    parser.add_argument("--label", help="what the row is called (default: the preset's name)")
    parser.add_argument(
        "--steps",
        type=arguments.count("The steps", 1, 10_000),
        default=300,
        help="Langevin steps that infer a held-back picture (default 300, as the paper)",
    )
    parser.add_argument("--threads", type=int, default=THREADS)
    args = parser.parse_args()
    for folder in (args.save, args.sheets):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    return args


def _label(args: argparse.Namespace, original: Original, saved: Checkpoint | None) -> str:
    if args.label:
        return str(args.label)
    if args.samples:
        return str(args.samples.name)
    return "model" if saved else args.preset or original.kind


def _chosen(args: argparse.Namespace) -> Iterator[tuple[Original, Checkpoint | None]]:
    """What is measured, and the model if there is one."""
    items = {item.path.stem: item for item in read_pack(EXAMPLES)}
    if args.checkpoint:
        for path in args.checkpoint:
            saved = Checkpoint.load(path)
            if not args.data and saved.source.name not in items:
                raise Refusal(f"{saved.source.name} is not in the pack; name it with --data.")
            file = args.data or items[saved.source.name].path
            preset = dataclasses.replace(PRESETS[saved.source.kind], training=saved.spec)
            yield Original(saved.source.kind, file.stem, file, preset, args.steps), saved
        return
    kind: Kind = datasets.kind_of(args.data) if args.data else args.kind
    preset = PRESETS[args.preset or kind]
    if preset.training.generator.kind != kind:
        raise Refusal(f"{args.preset} is no preset for {kind}.")
    names = args.name or [name for name, item in items.items() if item.kind == kind]
    for name in [args.data.stem] if args.data else names:
        if not args.data and (name not in items or items[name].kind != kind):
            raise Refusal(f"There is no {kind} {name} in the pack; name its file with --data.")
        if args.samples and not args.name and not list(args.samples.glob(f"{name}-*")):
            continue
        yield Original(kind, name, args.data or items[name].path, preset, args.steps), None


def _trained_and_measured(
    row: Row, original: Original, args: argparse.Namespace, saved: Checkpoint | None, label: str
) -> Row:
    """Trains, or takes the checkpoint, and measures."""
    if saved is None:
        yardstick = original.statistics
        dataset, spec = yardstick.training()
        trainer = Trainer(dataclasses.replace(spec, seed=args.seed), dataset)
        curve = []
        for saved in _training(trainer, 60 * args.minutes, args.every):
            if args.every:
                distance = yardstick.distance(yardstick.samples(saved)[0])
                curve.append([round(saved.seconds, 1), round(distance, 4)])
        row |= {"curve": curve} if args.every else {}
    else:
        dataset = rebuilt.learnt(saved, original.path)
    assert saved is not None
    if args.save:
        saved.save(args.save / f"{original.name}-{label}.safetensors")
    row |= {"latents": _latents(saved), "seconds": saved.seconds, "iterations": saved.iteration}
    return _judged(row, original, original.drawn(saved), args, saved, dataset)


def _judged(
    row: Row,
    original: Original,
    samples: list[Tensor],
    args: argparse.Namespace,
    saved: Checkpoint | None = None,
    dataset: datasets.Dataset | None = None,
) -> Row:
    """The row with all figures of samples, and of the model where there is one; writes the contact
    sheet, and the samples where they are to be kept."""
    row["unlearnt"] |= original.judge.measure(samples)
    if not args.unlearnt:
        row |= original.statistics.measure(samples)
    made: Tensor | None = None
    if saved is not None and dataset is not None:
        row["explained"] = rebuilt.shares(saved, dataset, None if args.swift else original.shown)
        if original.kind != "objects":
            made = rebuilt.whole(saved, dataset)
        elif args.swift:
            made = rebuilt.from_latents(saved)[: 2 * sheets.SET_COLUMNS]
        elif args.unlearnt:
            made = rebuilt.inferred(saved, original.shown[: 2 * sheets.SET_COLUMNS])
        else:
            assert isinstance(original.statistics, ObjectsYardstick)
            made, row["test"] = original.statistics.reconstruct(saved)
    if args.keep:
        original.write(samples, args.keep)
    _write_sheet(original, made, samples, args)
    return row


def _write_sheet(
    original: Original, made: Tensor | None, samples: Sequence[Tensor], args: argparse.Namespace
) -> None:
    before = original.read(args.before) if args.before else []
    if original.kind == "sound":
        sheet = sheets.sounds(original.shown, made, samples, before, original.rate)
    else:
        draw = sheets.sets if original.kind == "objects" else sheets.textures
        sheet = draw(original.shown, made, samples, before)
    sheet.save(args.sheets / f"{original.name}.webp", quality=80, method=6)


def _training(trainer: Trainer, seconds: float, every: float | None) -> Iterator[Checkpoint]:
    """The run after every so many seconds of computing, and at its end."""
    diverging, mark = Diverging(trainer.chains), every or seconds
    while trainer.seconds < seconds:
        if diverging.observe(trainer.step()):
            break
        if mark <= trainer.seconds < seconds:
            yield trainer.checkpoint()
            mark += every or seconds
    yield trainer.checkpoint()


def _latents(saved: Checkpoint) -> Row:
    """The persistent chains against as many draws from the prior."""
    drawn = Normal(saved.spec.generator.latent_shape).draw(len(saved.latents), 1)
    return dataclasses.asdict(latent_moments(saved.latents)) | {
        "neighbours": neighbour_dependence(saved.latents),
        "neighbours_floor": neighbour_dependence(drawn),
    }


def _with_ratios(row: Row) -> Row:
    """Every figure beside its floor also as a multiple of it; five digits are kept, and what is no
    number becomes none."""
    for ratio, above, below in (
        ("ratio", row.get("distance"), row.get("floor")),
        ("noise_ratio", row.get("noise"), row.get("floor")),
        ("pca_ratio", row.get("test", {}).get("squared"), row.get("pca", {}).get("squared")),
    ):
        if above is not None and below is not None:
            row[ratio] = above / below
    return json.loads(
        json.dumps(row),
        parse_float=lambda text: float(f"{float(text):.5g}"),
        parse_constant=lambda _: None,
    )


def _keep(results: str, name: str, label: str, row: Row) -> None:
    """Merges a row into results/RESULTS.json, by name and label; the file is read anew, since
    another run may have written to it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{results}.json"
    rows: dict[str, dict[str, Any]] = json.loads(path.read_bytes()) if path.exists() else {}
    rows.setdefault(name, {})[label] = row | {"machine": machine_facts()}
    path.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")


def _columns(kind: Kind, unlearnt: bool) -> list[list[tuple[str, str]]]:
    return [UNLEARNT[kind]] if unlearnt else [UNLEARNT[kind], [*STATISTICS[kind], *LATENTS]]


def _print_head(kind: Kind, unlearnt: bool) -> None:
    groups = _columns(kind, unlearnt)
    titles = ["nothing learns from these", "statistics that lessons used"]
    spans = [
        f" | {title:<{WIDE * len(group)}}" for title, group in zip(titles, groups, strict=False)
    ]
    heads = [" | " + "".join(f"{head:>{WIDE}}" for head, _ in group) for group in groups]
    print(f"{'':22}" + "".join(spans) + f"\n{'':22}" + "".join(heads), flush=True)


def _print_row(original: Original, row: Row, unlearnt: bool) -> None:
    groups = [
        " | " + "".join(f"{_cell(row, key):>{WIDE}}" for _, key in group)
        for group in _columns(original.kind, unlearnt)
    ]
    print(f"{original.name:22}" + "".join(groups), flush=True)


def _cell(row: Row, path: str) -> str:
    """A figure by its keys, which may hold a point themselves."""
    figure: Any = row
    while path and isinstance(figure, dict):
        key = next((k for k in figure if path == k or path.startswith(f"{k}.")), None)
        figure, path = (None, "") if key is None else (figure[key], path[len(key) + 1 :])
    return "" if figure is None else f"{figure:.3f}"


if __name__ == "__main__":
    arguments.run(main)
