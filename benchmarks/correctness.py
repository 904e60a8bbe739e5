"""Whether chains sample the posterior and learning finds the model, where the answer is known.

    python -m benchmarks.correctness

Runs the experiments of benchmarks/evidence/ (one thread, about six minutes), prints every figure
beside its target, and writes results/correctness.json, docs/correctness.md and
docs/correctness.webp. Ends with 1 where a target was missed.
"""

import sys
from time import process_time
from typing import Any

import torch

from abp_core.generator import Generator
from abp_core.observation import Downsampled, Full
from benchmarks.evidence import family
from benchmarks.evidence.bias import bias_of_linear, bias_of_plane
from benchmarks.evidence.figure import Picture, draw
from benchmarks.evidence.gradients import NETWORKS, gradient_error
from benchmarks.evidence.grids import Grid, modes
from benchmarks.evidence.learning import factor_analysis
from benchmarks.evidence.linear import linear_posterior, rough_metric, views
from benchmarks.evidence.models import Model, shipped_model, small_model
from benchmarks.evidence.page import page
from benchmarks.evidence.planes import arriving, plane_posterior
from benchmarks.evidence.precision import precision
from benchmarks.evidence.verdicts import verdicts
from benchmarks.evidence.walks import gaussian
from benchmarks.report import ROOT, keep

PAGE = ROOT / "docs" / "correctness.md"
PLOT = ROOT / "docs" / "correctness.webp"
FACE = 5  # of 20: the one of the three first tried of which 2 x 2 colours leave two modes
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the longest stable step
STEPS = (0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5)  # in the metric of the posterior's covariance
PRECISIONS = {  # examples and moves of each model: what takes some ten seconds in fp32
    "toon_faces_64": (16, 200),
    "pebbles": (8, 40),
    "rain": (8, 40),
}


def linear() -> dict[str, Any]:
    rows = {name: linear_posterior(view, chains=4000) for name, view in views().items()}
    in_a_metric = linear_posterior(Full(), chains=4000, preconditioner=rough_metric())
    return rows | {"full, in a metric": in_a_metric}


def gradients() -> dict[str, Any]:
    small = {
        name: {
            seen: gradient_error(Generator(network, seed=3), view)
            for seen, view in views(network.signal_shape).items()
        }
        for name, network in NETWORKS.items()
    }
    trained = {}
    for name in ("pebbles", "rain", "toon_faces_64", "noto_animal_faces_128"):
        model, _ = shipped_model(name)
        some = gaussian(2, *model.generator.spec.latent_shape, seed=31)
        trained[name] = gradient_error(model.generator, Full(), some / some[0].norm())
    return {"small": small, "trained": trained}


def planes(model: Model) -> tuple[dict[str, Any], list[Picture]]:
    """Three posteriors of a small model, and one of a shipped model."""
    shipped, _ = shipped_model("noto_animal_faces_128")
    trained, faces = model.latents[FACE].expand(256, 2), shipped.latents[FACE].expand(80, 2)
    prior = gaussian(256, 2, seed=1)
    # What was seen, and where the chains begin; how long they burn in, and move without and with
    # a Metropolis test.
    small, large = (150, 700, 300), (40, 400, 100)
    cases = {
        "all of 16 x 16 pixels": (model, Full(), trained, small),
        "4 x 4 mean colours": (model, Downsampled(4), trained, small),
        "2 x 2 mean colours": (model, Downsampled(8), prior, small),
        "shipped model, 4 x 4 mean colours": (shipped, Downsampled(16), faces, large),
    }
    found: dict[str, Any] = {}
    pictures = []
    for name, (of, view, start, (burn_in, *moves)) in cases.items():
        energy = of.energy(FACE, view)
        grid = Grid.of(energy)
        found[name] = {"modes": modes(energy)[1:4]}
        if of is model:
            found[name]["arriving"] = arriving(energy, grid, chains=256, moves=300)
        for walked, steps in zip(("Langevin", "MALA"), moves, strict=True):
            found[name][walked], visited = plane_posterior(
                energy, grid, start, moves=steps, burn_in=burn_in, adjusted=walked == "MALA"
            )
            if walked == "Langevin":
                pictures.append(Picture(name, grid, visited))
    return found, pictures


def biases(model: Model) -> dict[str, Any]:
    energy, start = model.energy(FACE, Downsampled(4)), model.latents[FACE].expand(128, 2)
    return {
        "linear": bias_of_linear(SHARES, chains=2000),
        "plane": bias_of_plane(energy, start, STEPS),
    }


def precisions() -> dict[str, Any]:
    rows = {}
    for name, (examples, steps) in PRECISIONS.items():
        model, saved = shipped_model(name)
        rows[name] = precision(saved, model, examples=examples, steps=steps, burn_in=10)
    return rows


def main() -> int:
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    began = process_time()

    def told(name: str, found: Any) -> None:
        results[name] = found
        print(f"{name}: {process_time() - began:.0f} s by now", flush=True)

    told("linear", linear())
    told("learning", factor_analysis(examples=200, iterations=250, rounds=4))
    told("gradients", gradients())
    model = small_model(iterations=300)
    found, pictures = planes(model)
    told("planes", found)
    told("biases", biases(model))
    told("precision", precisions())
    told("family", family.measure_family())
    told("seconds", round(process_time() - began))
    judged = verdicts(results)
    for verdict in judged:
        words = "met" if verdict.met else "MISSED"
        print(f"{verdict.what:80} {verdict.figure:9.3g} at most {verdict.most:6.3g}  {words}")
    draw(results["biases"], pictures, PLOT)
    PAGE.write_text(page(results), encoding="utf-8")
    kept = keep("correctness", results)
    print("kept in", kept.name, PAGE.relative_to(ROOT), "and", PLOT.relative_to(ROOT))
    return int(not all(verdict.met for verdict in judged))


if __name__ == "__main__":
    sys.exit(main())
