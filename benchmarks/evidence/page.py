"""docs/correctness.md, of the figures of a run."""

from typing import Any

from benchmarks.evidence import family
from benchmarks.evidence.verdicts import MAIN_BINS, verdicts
from benchmarks.report import machine_facts


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def page(results: dict[str, Any]) -> str:
    """docs/correctness.md."""
    judged = verdicts(results)
    met = sum(verdict.met for verdict in judged)
    facts = machine_facts()
    return "\n".join(
        [
            "# Does it sample and learn what it should?",
            "",
            "`python -m benchmarks.correctness` made this page: every figure is of the engine's",
            "own posterior, walks, noise and trainer, beside an answer that is known without them.",
            f"{met} of {len(judged)} targets are met. It took {results['seconds']:.0f} s of one",
            f"thread ({facts['cpu']}, torch {facts['torch']}); seeds are fixed and not chosen.",
            "`tests/core/test_correctness.py` runs smaller versions with every test.",
            "",
            _linear_section(results["linear"]),
            _learning_section(results["learning"]),
            _gradient_section(results["gradients"]),
            _plane_section(results["planes"]),
            _bias_section(results["biases"]),
            _precision_section(results["precision"]),
            family.section(results["family"]),
            "## All targets",
            "",
            _table(["what", "figure", "at most", ""], [verdict.row for verdict in judged]),
            "",
        ]
    )


def _linear_section(rows: dict[str, Any]) -> str:
    entries = next(iter(rows.values()))["entries"]
    chance = 1 - 0.9973**entries
    table = [
        [
            name,
            f"{row['step_size']:.3f}",
            str(row["steps"]),
            f"{row['worst_mean']:.2f}",
            f"{row['worst_covariance']:.2f}",
            f"{row['spread']:.2f}",
            f"{row['uncorrected']:.1f}",
        ]
        for name, row in rows.items()
    ]
    head = [
        "seen",
        "step s",
        "moves",
        "worst mean",
        "worst covariance",
        "root mean square of all",
        "worst without the correction",
    ]
    return f"""## The posterior of a linear model

With `f(z) = W z` (factor analysis; five latents, 4 x 4 pixels, sigma .5) and `y = A f(z) + e`, the
posterior is Gaussian with precision `H = I + (A W)'A W / sigma^2` and mean
`H^-1 (A W)'y / sigma^2`. A Langevin walk of step s does not rest there: from
`z <- m + (I - s^2 H / 2)(z - m) + s noise` its mean is exact and its covariance is
`H^-1 (I - s^2 H / 4)^-1`; in a metric M, the same for `M^(1/2) H M^(1/2)`. The step is half of the
longest stable one, so the stiffest direction must show 4/3 of the posterior's variance. 4,000
chains of each of two examples go from the prior until a thousandth of the way is left, and the
mean and covariance of where they end are told in Monte-Carlo standard errors, `(C_ii / n)^(1/2)`
and `((C_ii C_jj + C_ij^2) / (n - 1))^(1/2)`, along the axes of H. The matrices A are written out
independently of the engine's observations; half of the pixels are occluded, other ones in each
example; seven random projections; means of 2 x 2 blocks.

{_table(head, table)}

A row holds {entries} figures; by chance alone one of them is beyond 3 in {chance:.0%} of all seeds.
"""


def _learning_section(row: dict[str, Any]) -> str:
    rounds = ", ".join(f"{level:.3f}" for level in row["rounds"])
    return f"""## Learning a linear model

The maximum of the likelihood is known: probabilistic PCA (Tipping and Bishop 1999) gives
`W = U (L - sigma^2)^(1/2)` from the data's leading eigenvectors and `sigma^2` as the mean of the
other eigenvalues. The Trainer itself learns it: a generator of one layer whose kernel is as wide as
its signal is `tanh(W z + b)` with any W, and on signals of a few hundredths tanh is linear to about
a thousandth. {row["examples"]} centred signals of 64 entries with four factors,
{row["iterations"]} iterations of four Langevin moves and one step of Adam. The noise level begins
at twice its value and is set by the M-step `sigma^2 = E |y - f(z)|^2 / D` after every quarter of
the run, from the misfits that the run reports. Latents are standardised (`whitening.py`), which the
paper does not do: without it the space and the noise level come out alike, but the scale of W is
still settling.

| | figure | target |
| --- | --- | --- |
| largest principal angle to PPCA's space | {row["angle"]:.2f} degrees | 2 degrees |
| noise level, in PPCA's | {row["noise_level"]:.4f} | .95 to 1.05 |
| W W', relative difference to PPCA's | {row["covariance"]:.3f} | none |

The noise level after each quarter: {rounds}.
In theory the error of sigma^2 shrinks to a sixteenth each time (four of 64 dimensions), and the
noise level ends at {row["expected_noise_level"]:.4f}: a step s makes the posterior's variance along
an eigenvalue L too large, by the factor `1 / (1 - s^2 L / (4 sigma^2))`, and what is too much is
taken for noise.
"""


def _gradient_section(rows: dict[str, Any]) -> str:
    small = rows["small"]
    seen = list(next(iter(small.values())))
    table = [[name, *(f"{row[s]:.0e}" for s in seen)] for name, row in small.items()]
    trained = [[f"{error:.0e}" for error in rows["trained"].values()]]
    return f"""## Gradients

dU/dz by back-propagation against central differences `(U(z + h v) - U(z - h v)) / 2h`,
`h = 1e-5`, with network and energy in float64: the greatest difference as a share of the greatest
slope (at most 1e-6). Small networks of every kind, along every axis:

{_table(["generator", *seen], table)}

Shipped models, all seen, along two random directions:

{_table(list(rows["trained"]), trained)}
"""


def _plane_section(cases: dict[str, Any]) -> str:
    rows = {
        f"{name}, {walked}": case[walked]
        for name, case in cases.items()
        for walked in ("Langevin", "MALA")
    }
    table = [
        [
            name,
            f"{row['chains']} x {row['moves']}",
            f"{row['step_size']:.2f}",
            f"{row['accepted']:.2f}",
            f"**{row['bins'][MAIN_BINS]['variation']:.3f}**",
            f"{row['bins'][MAIN_BINS]['noise']:.3f}",
            f"{row['bins'][MAIN_BINS]['gaussian']:.3f}",
        ]
        for name, row in rows.items()
    ]
    bins = list(next(iter(rows.values()))["bins"])
    by_bins = [
        [name, *(f"{at['variation']:.3f} ({at['noise']:.3f})" for at in row["bins"].values())]
        for name, row in rows.items()
    ]
    minima = [
        [
            name,
            ", ".join(f"{height:.1f}" for height in case["modes"]) or "none",
            f"{case['arriving']:.0%}" if "arriving" in case else "not tried",
        ]
        for name, case in cases.items()
    ]
    head = ["seen", "chains x moves", "step", "accepted", "total variation", "noise", "a Gaussian"]
    others = ["seen", "other minima of U, above the lowest", "chains from the prior that arrive"]
    return f"""## Two latents, on a grid

A generator of two latents, learnt here by the Trainer in 300 iterations from 20 drawn animal faces
of 16 x 16 pixels with the settings of the preset `plane`, and the shipped `noto_animal_faces_128`,
which makes 64 x 64. The posterior of one training face is integrated on a grid of 96 x 96 cells
over the box in which U is at most 9 above its lowest, and compared with all that chains visit, in
{MAIN_BINS} x {MAIN_BINS} bins of that box and one for what is outside. The step is as long as a
Metropolis test would accept 98 % of the Langevin moves, or accepts about 60 % of MALA's; the metric
is the posterior's covariance. `noise` is half of the distance between two halves of the chains:
what chance leaves. `a Gaussian` is how far a Gaussian of the same moments is from the grid.

{_table(head, table)}

What stands above the noise is the bias of the step. Total variation (noise) by bins a side:

{_table(["seen", *bins], by_bins)}

The face was chosen: of the three first tried it is the one of which 2 x 2 colours leave two modes
that share the weight; there chains begin at the prior. Elsewhere the other minima have no weight,
and chains begin where training left this face's chain. From the prior, with the same metric and a
step of .5, so many reach the box within 300 moves; the others stay in another minimum. That is why
training keeps a chain from visit to visit, and why a posterior like the first must not be sampled
from the prior alone.

{_table(others, minima)}

![Variance against step size; posteriors beside what chains visited](correctness.webp)
"""


def _bias_section(rows: dict[str, Any]) -> str:
    def table(which: str) -> str:
        cells = [
            [
                f"{row['share']:.2f}",
                f"{row['theory']:.3f}",
                f"{row['langevin']:.3f} ± {row['langevin_error']:.3f}",
                f"{row['mala']:.3f} ± {row['mala_error']:.3f}",
                f"{row['mala_accepted']:.2f}",
            ]
            for row in rows[which]
        ]
        head = ["step, of the longest stable", "theory", "Langevin", "MALA", "MALA accepts"]
        return _table(head, cells)

    return f"""## Langevin against MALA

The engine's walk has no Metropolis test and rests at a wider law the longer its step;
`metropolis_steps` has one and must rest at the posterior itself, whatever the step. Variance in
units of the posterior's, with one standard error from the scatter between chains. Along the linear
model's stiffest direction, of curvature h, theory is `1 / (1 - s^2 h / 4)`:

{table("linear")}

For the trained model of two latents (4 x 4 colours) in the metric of its covariance, against the
variance on the grid; the theory is what a Gaussian would give. From half of the stable step on the
real walk is worse, since this posterior is steeper in some places than its covariance tells:

{table("plane")}
"""


def _precision_section(rows: dict[str, Any]) -> str:
    table = [
        [
            name,
            str(row["latents"]),
            f"{row['examples']} x {row['moves']}",
            f"{row['gradient']:.1%}",
            f"{row['error_fp32']:.5f}",
            f"{row['error_bf16']:.5f}",
            f"{row['mean']:.3f}",
            f"{row['other_noise']:.3f}",
        ]
        for name, row in rows.items()
    ]
    head = [
        "model",
        "latents",
        "chains x moves",
        "error of one dU/dz",
        "reconstruction error, fp32",
        "bf16",
        "mean, bf16 against fp32",
        "mean, other noise",
    ]
    return f"""## Chains in bf16

The trainer's chains run in bf16 where the machine multiplies it (latents, energies and updates
stay fp32). From where training left them, with the same noise: the error of a single gradient, the
mean |y - f(z)| / 2 along the walk, and the root mean square difference of the walks' mean latents
in units of the posterior's deviations, which are taken as if f were linear about the first example
(`(J'J / sigma^2 + I)^-1`). For comparison, the same between two bf16 walks with different noise.

{_table(head, table)}

A single gradient is off by some per cent, yet the walks rebuild their examples equally well, and
their means differ by less than a tenth of the posterior's deviations, less than between two draws
of the noise. The set's walk is long enough for its 20 latents to mix; those of
the texture and the sound are not (no affordable walk is, in 1,024 latents), so their means are of a
stretch of the walk, and the last column says how little such a stretch fixes a mean.
"""
