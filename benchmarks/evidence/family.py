"""The relatives where the answer is known, at the sizes of docs/correctness.md."""

from typing import Any

from abp_core.device import cpu
from abp_core.family.frame import Frame
from abp_core.family.trial import load_trial
from benchmarks.evidence.family_frame import exact_lattice, matching
from benchmarks.evidence.family_latent import (
    bound_of_linear,
    particle_gradients,
    principal_components,
    short_runs,
)
from benchmarks.evidence.family_pixels import (
    covariance_of_chains,
    generator_learnt,
    gradient_at_fixed_point,
    precision_learnt,
)
from benchmarks.report import BUNDLED

DRAWS = (1, 10, 100)
ENTRIES = 2**13  # of the chains of FRAME on a photograph
MOST = {  # of every figure: its target
    "bound, exact posterior: greatest gap, in nats": 1e-3,
    "bound, another encoder: gap from the divergence, in standard errors": 3.0,
    "bound, 100 draws: gap as a share of that of one": 0.05,
    "PCA: W W' from the closed form, relatively": 1e-4,
    "PCA: likelihood from the closed form, in nats": 0.01,
    "particles: gradient's error as a share of one chain's, above 1/4": 0.1,
    "short runs: correlation of two visits beyond chance": 0.05,
    "descriptor: precision learnt, relatively": 0.1,
    "descriptor: its chains' covariance, relatively": 0.1,
    "descriptor: chains in a known field from theory, relatively": 0.1,
    "FRAME on a lattice: from the exact maximum, in nats": 0.02,
    "FRAME on a lattice: means of chains, in standard errors": 3.0,
    "FRAME on pebbles: statistics of samples, in standard errors": 1.5,
    "CoopNets: covariance of the generator, relatively": 0.15,
    "CoopNets: gradient at the fixed point, as a share of that at half": 0.1,
}


def measure_family() -> dict[str, Any]:
    """All of it; about two minutes of one thread."""
    frame = Frame(load_trial(BUNDLED["texture"]), 0, "gabor", cpu(), entries=ENTRIES)
    return {
        "bound": bound_of_linear(examples=200, draws=DRAWS, repeats=40),
        "pca": principal_components(300, 40, 4),
        "particles": particle_gradients(examples=60, particles=16, iterations=25),
        "short": short_runs(visits=16),
        "descriptor": precision_learnt(chains=64, iterations=200),
        "chains": covariance_of_chains(chains=160, rounds=16, step_size=0.5),
        "lattice": exact_lattice(),
        "matching": matching(frame, iterations=300, moves=4),
        "cooperative": generator_learnt(chains=48, iterations=200),
        "fixed point": gradient_at_fixed_point(chains=48, iterations=40),
    }


def judged(found: dict[str, Any]) -> list[tuple[str, float, float]]:
    """What was measured, the figure, and its target."""
    bound, pca, particles, short = (found[k] for k in ("bound", "pca", "particles", "short"))
    still = found["fixed point"]
    gaps = {int(k): gap for k, gap in bound["gaps"].items()}
    figures = [
        bound["exact"],
        abs(gaps[1] - bound["expected"]) / {int(k): e for k, e in bound["errors"].items()}[1],
        abs(gaps[100]) / gaps[1],
        pca["weights"],
        pca["likelihood"],
        max(0.0, particles["all"] / particles["one"] - particles["expected"]),
        abs(short["follows"] - short["followed_by_chance"]),
        found["descriptor"]["precision"],
        found["descriptor"]["chains"],
        found["chains"]["theory"],
        found["lattice"]["divergence"],
        found["lattice"]["worst"],
        found["matching"]["after"],
        found["cooperative"]["learnt"],
        abs(still["fixed point"] / still["half"]),
    ]
    return [
        (what, figure, most) for (what, most), figure in zip(MOST.items(), figures, strict=True)
    ]


def section(found: dict[str, Any]) -> str:
    """Of docs/correctness.md."""
    gaps = ", ".join(f"{gap:.3f} with {k}" for k, gap in found["bound"]["gaps"].items())
    lattice, pairs = found["lattice"], found["matching"]
    pca, particles, short = found["pca"], found["particles"], found["short"]
    learnt, chains, still = found["descriptor"], found["chains"], found["fixed point"]
    taught = found["cooperative"]
    return f"""## The relatives

Each against an answer known without it (`benchmarks/evidence/family_*.py`; smaller in
`tests/core/test_family_*.py` and `test_variants.py`).

- **VAE.** With a linear decoder the likelihood is exact. An encoder that tells the exact posterior
  has a bound that equals it to {found["bound"]["exact"]:.0e} nats; one that is off stays below it
  by the divergence of the two, {found["bound"]["expected"]:.3f} nats, and by less with more draws:
  {gaps}.
- **PCA.** `W W'` and the likelihood equal the closed form (Tipping and Bishop 1999) worked out by a
  whole decomposition: {pca["weights"]:.0e} relatively, {pca["likelihood"]:.0e} nats.
- **Particles.** In a linear model whose weights stand still, the learning gradient of one chain an
  example is off the exact gradient of the marginal likelihood by {particles["one"]:.3f} of its
  norm, that of 16 by {particles["all"]:.3f}.
- **Short runs.** What one visit ends at says nothing of the next: correlation
  {short["follows"]:.3f}, by chance {short["followed_by_chance"]:.3f}.
- **Descriptor.** On Gaussian data with a quadratic F it learns the precision at which a walk of its
  step has the data's covariance, to {learnt["precision"]:.3f} (it began
  {learnt["precision of the reference"]:.2f} away), and its chains have that covariance to
  {learnt["chains"]:.3f}. In a known field they have the covariance that theory gives a walk of that
  step, `1 / (h (1 - s^2 h / 4))`, to {chains["theory"]:.3f}, where the step's bias is
  {chains["bias"]:.2f}.
- **FRAME.** On a lattice of three continuous sites the partition function is a sum over a grid.
  Walks with a Metropolis test learn a density {lattice["divergence"]:.3f} nats from the one of
  greatest likelihood (q is {lattice["at_first"]:.2f} away), and at that one their mean statistics
  are the exact ones within {lattice["worst"]:.1f} standard errors. On pebbles the statistics of
  samples go from {pairs["before"]:.1f} to {pairs["after"]:.2f} standard errors (1 is what samples
  of the very density have).
- **CoopNets.** With a descriptor whose law is a known Gaussian and a linear generator that can make
  it, the generator's covariance comes from {taught["begun"]:.2f} to {taught["learnt"]:.3f} of it;
  its mean gradient along its loadings is {still["half"]:.1f} at half of them,
  {still["fixed point"]:.2f} where it has that law, and {still["one and a half"]:.1f} at one and a
  half.
"""
