"""The figures that have a target, beside it."""

from dataclasses import dataclass
from typing import Any

from benchmarks.evidence import family

MOST = {  # of every figure: its target
    "standard errors": 3.0,
    "degrees": 2.0,
    "noise level": 0.05,
    "gradient": 1e-6,
    "variation": 0.05,
}
MAIN_BINS = "12"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its target: what it says, the figure, the most that it may be."""

    what: str
    figure: float
    most: float

    @property
    def met(self) -> bool:
        return self.figure <= self.most

    @property
    def row(self) -> list[str]:
        """Its cells in a table."""
        words = "met" if self.met else "**missed**"
        return [self.what, short(self.figure), short(self.most), words]


def verdicts(results: dict[str, Any]) -> list[Verdict]:
    """Every figure that has a target."""
    errors = MOST["standard errors"]
    found = []
    for name, row in results["linear"].items():
        found += [
            Verdict(f"linear model, {name}: worst mean, in standard errors",
                    row["worst_mean"], errors),
            Verdict(f"linear model, {name}: worst covariance, in standard errors",
                    row["worst_covariance"], errors),
        ]  # fmt: skip
    learnt = results["learning"]
    found += [
        Verdict("learning: largest principal angle, in degrees", learnt["angle"], MOST["degrees"]),
        Verdict("learning: noise level, relative error",
                abs(learnt["noise_level"] - 1), MOST["noise level"]),
        Verdict("gradients, every kind and observation: relative error",
                max(e for row in results["gradients"]["small"].values() for e in row.values()),
                MOST["gradient"]),
        Verdict("gradients, shipped models: relative error",
                max(results["gradients"]["trained"].values()), MOST["gradient"]),
    ]  # fmt: skip
    for name, case in results["planes"].items():
        for walked in ("Langevin", "MALA"):
            figure = case[walked]["bins"][MAIN_BINS]["variation"]
            what = f"two latents, {name}, {walked}: total variation"
            found.append(Verdict(what, figure, MOST["variation"]))
    linear = results["biases"]["linear"]
    found += [
        Verdict("step size: Langevin from its theory, worst, in standard errors",
                max(abs(row["langevin"] - row["theory"]) / row["langevin_error"]
                    for row in linear), errors),
        Verdict("step size: MALA from the posterior, worst, in standard errors",
                max(abs(row["mala"] - 1) / row["mala_error"]
                    for row in [*linear, *results["biases"]["plane"]]), errors),
    ]  # fmt: skip
    return [*found, *(Verdict(*row) for row in family.judged(results["family"]))]


def short(figure: float) -> str:
    """In three digits."""
    return f"{figure:.1e}" if 0 < abs(figure) < 1e-3 else f"{figure:.3g}"
