"""The methods by their names: what each is, in words and as an equation, and who builds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from abp_core.family.alternating import Alternating
from abp_core.family.cooperative import cooperative
from abp_core.family.descriptor import descriptor
from abp_core.family.frame import Frame
from abp_core.family.linear import PCA
from abp_core.family.member import Member
from abp_core.family.trial import Trial
from abp_core.family.vae import VAE
from abp_core.spec import Kind, LangevinSpec

Ability = Literal["samples", "inference", "bound", "incomplete"]


@dataclass(frozen=True, slots=True)
class Method:
    """title: its name. sentence: what it does, in plain words. equation: its update, as text.
    source: the paper. curve: what is drawn of how it learns. can: what it is good for: new samples;
    to infer the latents of a signal; the likelihood or a bound of it; to learn from incomplete
    data. model: whether it learns a generator with latents, which is a model of the studio's other
    tabs. build: a member of a trial, with a seed. not_for: why it cannot take data of a kind, in a
    sentence."""

    title: str
    sentence: str
    equation: str
    source: str
    curve: str
    can: frozenset[Ability]
    build: Callable[[Trial, int], Member]
    model: bool = True
    not_for: Mapping[Kind, str] = field(default_factory=dict)


def why_not(name: str, kind: Kind) -> str:
    """Why a method cannot take data of a kind, in a sentence; nothing where it can."""
    return METHODS[name].not_for.get(kind, "")


def _as_in_the_paper(trial: Trial, seed: int) -> Member:
    """Nothing beside the two moves: no metric, no learnt prior, no second loss."""
    walk = LangevinSpec(steps=10, step_size=0.1, acceptance=0.5)
    plain = {"standardised": False, "components": False, "halved_after": 0}
    return Alternating(trial, seed, langevin=walk, **NO_PRIOR, **plain)


def _with_a_learnt_prior(trial: Trial, seed: int) -> Member:
    return Alternating(trial, seed, prior="flow" if trial.kind == "objects" else "exemplar")


def _short_runs(trial: Trial, seed: int) -> Member:
    """Of one picture or sound, too, the settings of the preset, but for what lasts."""
    if trial.kind != "objects":
        walk = LangevinSpec(steps=15, step_size=0.7, temperature=0.1, preconditioned=True)
        return Alternating(trial, seed, persistent=False, langevin=walk)
    walk = LangevinSpec(steps=8, step_size=1.0, preconditioned=True)
    anew = {"persistent": False, "components": False, "batch_size": 16}
    return Alternating(trial, seed, langevin=walk, **NO_PRIOR, **anew)


def _particles(trial: Trial, seed: int) -> Member:
    return Alternating(trial, seed, particles=4, batch_size=8, **NO_PRIOR)


NO_PRIOR = {"prior": "normal", "sample_loss_rate": 0.0}
MISFIT = "U(z) = |x - f(z; W)|^2 / (2 sigma^2) + |z|^2 / 2\n"
FIELD = frozenset[Ability]({"samples"})
CODES = frozenset[Ability]({"samples", "inference"})
METHODS: dict[str, Method] = {
    "paper": Method(
        title="ABP as in the paper",
        sentence="Each example has a code. Langevin steps move the codes towards what explains the "
        "examples, then one step moves the weights; new ones come from codes that are noise.",
        equation=MISFIT + "z <- z - (s^2/2) dU/dz + s * noise\nW <- W - rate * dU/dW",
        source="Han, Lu, Zhu, Wu 2017",
        curve="reconstruction error",
        can=CODES | {"incomplete"},
        build=_as_in_the_paper,
    ),
    "learnt-prior": Method(
        title="ABP with a learnt prior",
        sentence="The studio's own settings: inference in a metric, and new ones from a prior that "
        "is learnt from the codes that were inferred.",
        equation="z <- z - (s^2/2) M dU/dz + s * M^(1/2) noise\nW <- W - rate * dU/dW\n"
        "new z ~ p(z), learnt from the inferred z",
        source="the idea: Pang, Han, Nijkamp, Zhu, Wu 2020",
        curve="reconstruction error",
        can=CODES | {"incomplete"},
        build=_with_a_learnt_prior,
    ),
    "short-run": Method(
        title="Short-run inference",
        sentence="ABP that remembers no code: every visit begins at noise and takes a few steps.",
        equation="z_0 ~ N(0, I)\nz_t+1 = z_t - (s^2/2) M dU/dz + s * M^(1/2) noise\n"
        "W <- W - rate * dU/dW",
        source="Nijkamp, Pang, Han, Zhou, Zhu, Wu 2020",
        curve="reconstruction error",
        can=CODES | {"incomplete"},
        build=_short_runs,
    ),
    "particles": Method(
        title="Several particles",
        sentence="ABP in which each picture has four codes that walk on their own; the weights "
        "learn from the mean over them, which is nearer to the gradient of the likelihood.",
        equation="z_k <- z_k - (s^2/2) M dU/dz_k + s * M^(1/2) noise_k\n"
        "W <- W - rate * (1/K) sum_k dU(z_k)/dW",
        source="Kuntz, Lim, Johansen 2023",
        curve="reconstruction error",
        can=CODES | {"incomplete"},
        build=_particles,
        not_for=dict.fromkeys(
            ("texture", "sound"),
            "Several particles are for sets; one picture or sound has one chain over all of it.",
        ),
    ),
    "vae": Method(
        title="Variational auto-encoder",
        sentence="A second network, the encoder, tells at once which codes a signal may have, as a "
        "mean and a spread; both networks climb one bound of the likelihood. Codes cost less "
        "during its first 300 iterations.",
        equation="z ~ q(z|x) = N(m(x), s(x)^2)\nB = log p(x|z) + log p(z) - log q(z|x)\n"
        "(W, encoder) <- (W, encoder) + rate * dB\nsigma^2 <- mean |x - f(z)|^2",
        source="Kingma, Welling 2014; Rezende, Mohamed, Wierstra 2014",
        curve="minus the bound",
        can=CODES | {"bound"},
        build=partial(VAE, layers=1),
    ),
    "vae-two": Method(
        title="VAE of two layers",
        sentence="The same, but codes have a layer of codes above them, which says what those "
        "below have in common.",
        equation="z1 ~ q(z1|x),  z2 ~ q(z2|z1)\n"
        "B = log p(x|z1) + log p(z1|z2) + log p(z2) - log q(z1|x) - log q(z2|z1)",
        source="Rezende, Mohamed, Wierstra 2014",
        curve="minus the bound",
        can=CODES | {"bound"},
        build=partial(VAE, layers=2),
    ),
    "iwae": Method(
        title="Importance-weighted VAE",
        sentence="The same with five codes drawn for each picture: those that explain it better "
        "count more, and the bound is nearer to the likelihood.",
        equation="B = log (1/K) sum_k p(x, z_k) / q(z_k|x)",
        source="Burda, Grosse, Salakhutdinov 2016",
        curve="minus the bound",
        can=CODES | {"bound"},
        build=partial(VAE, layers=2, draws=5),
        not_for=dict.fromkeys(
            ("texture", "sound"),
            "A whole picture or sound has thousands of codes, and all weight would lie on one "
            "draw of them.",
        ),
    ),
    "pca": Method(
        title="PCA",
        sentence="The linear case, solved exactly: as many numbers as ABP has, along the "
        "directions in which the data varies most. Of one picture or sound it is taken block by "
        "block, and new ones are Gaussian fields of these numbers; a block of a sound has as many "
        "as it has samples, so that nothing is left out.",
        equation="x = mean + W z + e\n"
        "W = U (L - sigma^2)^(1/2),  sigma^2 = mean of the other eigenvalues",
        source="Tipping, Bishop 1999; Galerne, Gousseau, Morel 2011",
        curve="unexplained share",
        can=CODES | {"bound"},
        build=PCA,
        model=False,
    ),
    "descriptor": Method(
        title="Descriptor",
        sentence="No codes: a network says how likely each picture is. Langevin steps move "
        "pictures themselves to where it is high, and it is raised at the data and lowered at "
        "them.",
        equation="p(x) ~ exp(F(x; theta)) q(x)\n"
        "x <- x + (s^2/2) d/dx [F(x) + log q(x)] + s * noise\n"
        "theta <- theta + rate * (mean dF(data) - mean dF(samples))",
        source="Xie, Lu, Zhu, Wu 2016",
        curve="F(samples) - F(data)",
        can=FIELD,
        build=descriptor,
        model=False,
    ),
    "frame": Method(
        title="FRAME",
        sentence="Filters that never change (Gabor, differences) listen to the data; how much each "
        "answer counts is learnt, until new signals make every filter respond as often, and as "
        "strongly, as the data does.",
        equation="p(x; w) ~ exp(sum_k w_k h_k(F_k * x)) q(x)\n"
        "w <- w + rate * C^-1 (mean h(data) - mean h(samples))",
        source="Zhu, Wu, Mumford 1998",
        curve="gap of statistics",
        can=FIELD,
        build=partial(Frame, filters="gabor"),
        model=False,
    ),
    "frame-convnet": Method(
        title="FRAME of a ConvNet's filters",
        sentence="The same with the first layers of a network that was taught to name photographs, "
        "in place of Gabor filters.",
        equation="p(x; w) ~ exp(sum_k w_k h_k(F_k * x)) q(x)\n"
        "w <- w + rate * C^-1 (mean h(data) - mean h(samples))",
        source="Lu, Zhu, Wu 2016",
        curve="gap of statistics",
        can=FIELD,
        build=partial(Frame, filters="convnet"),
        model=False,
        not_for={"sound": "These filters were learnt from photographs; a sound has none to show."},
    ),
    "cooperative": Method(
        title="CoopNets",
        sentence="A generator proposes pictures from codes, a descriptor's Langevin steps revise "
        "them; the generator learns to propose what was revised, the descriptor to tell the data "
        "from it. A revision lasts for many iterations here, longer than in the paper.",
        equation="z ~ N(0, I),  x = f(z; W)\n"
        "x' = x after Langevin steps of the descriptor, and z after it\n"
        "W <- W - rate * d/dW |x' - f(z; W)|^2\n"
        "theta <- theta + rate * (mean dF(data) - mean dF(x'))",
        source="Xie, Lu, Gao, Wu 2018",
        curve="proposal to revision",
        can=CODES,
        build=cooperative,
    ),
}
