"""CoopNets: a generator proposes, a descriptor revises, and each learns of the other."""

import dataclasses
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from abp_core.checkpoint import Checkpoint
from abp_core.device import Machine, this_machine
from abp_core.family.batches import Batches
from abp_core.family.energies import bottom_up
from abp_core.family.field import FieldSpec, RandomField
from abp_core.family.member import Shown, Told
from abp_core.family.model import as_model
from abp_core.family.pace import timed
from abp_core.family.proposer import Proposer
from abp_core.family.trial import Trial
from abp_core.langevin import choose_rows
from abp_core.spec import Kind, LangevinSpec

SAMPLE_SWEEP = 2**48  # the first sweep of what is drawn beside learning
CURVATURE_EVERY = 4  # iterations until the curvature is taken anew,
CURVATURE_RATE = 0.1  # and so much of the way to it
SHOWN = 4  # signals of each sort
KEPT = 64  # examples of a set whose latents a checkpoint holds


@dataclass(frozen=True, slots=True, kw_only=True)
class CooperativeSpec:
    """proposals: under revision at a time, each of at most `extent` along an axis, and as many
    signals of the data an iteration. lasting: iterations of revision until a fresh proposal takes
    the place of one. field: of the descriptor and its walk. rate: of the generator's learning; it
    fades as the trial's does. revising: moves of the walk that revises a sample."""

    proposals: int
    extent: int
    field: FieldSpec
    lasting: int = 16
    rate: float = 2e-3
    revising: int = 40


SPECS: dict[Kind, CooperativeSpec] = {
    "texture": CooperativeSpec(proposals=4, extent=96, lasting=64, field=FieldSpec(rate=2e-3)),
    "sound": CooperativeSpec(proposals=6, extent=8192, lasting=64, field=FieldSpec(rate=2e-3)),
    "objects": CooperativeSpec(proposals=16, extent=64, field=FieldSpec(), revising=20),
}
INFERRING = LangevinSpec(steps=2, step_size=0.7)  # an iteration's, of latents
REBUILDING = LangevinSpec(steps=15, step_size=0.7, temperature=0.1)
ROUNDS = 4  # of it


class Cooperative:
    """A generator and a descriptor that teach one another (Xie, Lu, Gao and Wu 2018).

    The generator proposes f(z), z ~ N(0, I). Langevin dynamics of the descriptor revise that, and
    Langevin dynamics of the posterior move z after it; the descriptor learns from data against
    what was revised, the generator from what was revised given z. As in the paper's algorithm, but
    that a revision is long, and both learn while it lasts: proposals are replaced a few at a time.
    Short ones leave a young generator, whose proposals are all alike, without anything to tell
    apart.

    network: F, as `Descriptor` takes it.
    """

    def __init__(
        self,
        trial: Trial,
        seed: int,
        network: nn.Module,
        spec: CooperativeSpec | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.trial, self.seed = trial, seed
        self.spec = spec = spec or SPECS[trial.kind]
        machine = machine or this_machine()
        self.iteration, self.seconds = 0, 0.0
        signals, made = trial.data.signals, trial.spec.generator
        unit, deviation = made.enlargement, trial.data.deviation
        extent = tuple(min(spec.extent, side) // unit * unit for side in trial.size)
        self._batches = Batches(signals, extent, spec.proposals, seed)
        self.field = RandomField(network, signals, machine, spec.field)
        sigma = trial.spec.sigma * deviation
        self.proposer = Proposer(made, extent, sigma, machine, seed)
        self.proposer.start_at(self.field.mean.flatten(), deviation)
        self.z = self.proposer.draw(self._batches.n, extent, 0)
        self.chains = self.proposer.propose(self.z)

    @property
    def parameters(self) -> int:
        weights = self.proposer.generator.parameters()
        return self.field.parameters + sum(p.numel() for p in weights)

    def alternation(self) -> Iterator[Told | None]:
        for told in timed(self._moves()):
            self.seconds += told.seconds if told else 0.0
            yield told

    def _moves(self) -> Iterator[Told | None]:
        """An iteration; whatever lasts is changed after the last pause."""
        field, proposer, now = self.field, self.proposer, self.iteration
        steps = self.spec.field.steps
        z, x = self._with_fresh_proposals()
        yield None
        x = yield from field.revise(x, self.seed, 1 + now * steps, steps)
        data = self._batches.draw(now).to(x.device)
        norm = field.gradient_norm(field.compare(data, x))
        yield None
        curvature = yield from self._look(z, x)
        z = proposer.infer(z, x, curvature, INFERRING, now + 1 + SAMPLE_SWEEP)
        yield None
        misfit = proposer.compare(z, x)
        norm = norm + proposer.gradient_norm(misfit)
        yield None
        sound = norm.isfinite()
        field.learn(sound, now)
        proposer.learn(sound, self.spec.rate * self.trial.spec.fade(now))
        if sound:
            self.z, self.chains = z.contiguous(), x.contiguous()
            proposer.curvature.copy_(curvature)
        self.iteration += 1
        away = proposer.sigma * (2 * float(misfit.detach()) / x[0].numel()) ** 0.5
        yield Told(self.iteration, away, 0.0, diverged=not bool(sound))

    def _look(self, z: Tensor, x: Tensor) -> Generator[None, None, Tensor]:
        """The curvature of U about z by now, which follows the generator."""
        proposer, now = self.proposer, self.iteration
        curvature = proposer.curvature
        if now % CURVATURE_EVERY == 0:
            for probe in range(1 if now else proposer.probes(z)):
                found = proposer.probe_curvature(z, x, now + 1, probe)
                curvature = curvature.lerp(found, CURVATURE_RATE if now else 1 / (probe + 1))
                yield
        return curvature

    def _with_fresh_proposals(self) -> tuple[Tensor, Tensor]:
        """Latents and signals as they stand, but for those whose turn it is to be proposed."""
        n, lasting = len(self.z), self.spec.lasting
        turn = torch.arange(n) * lasting // n == self.iteration % lasting
        new = self.proposer.draw(n, self.proposer.extent, self.iteration + 1)
        z = choose_rows(turn.to(new.device), new, self.z)
        return z, choose_rows(turn.to(new.device), self.proposer.propose(z), self.chains)

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        """Proposals as the descriptor revises them."""
        return self._revise(self._propose(n, seed, size), seed)

    def rebuild(self, x: Tensor) -> Tensor | None:
        z = self.proposer.rebuild(x.to(self.z.device), REBUILDING, ROUNDS, SAMPLE_SWEEP)
        return self.proposer.generator.make(z.cpu())

    def energy(self, x: Tensor) -> Tensor | None:
        return self.field.measure(x)

    def show(self) -> tuple[Shown, ...]:
        """What is proposed, what becomes of that, and data."""
        proposed = self._propose(SHOWN, self.seed, self.proposer.extent)
        return (
            Shown("Proposed", proposed),
            Shown("Revised", self._revise(proposed, self.seed)),
            Shown("Data", self._batches.draw(self.iteration)[:SHOWN]),
        )

    def tensors(self) -> dict[str, Tensor]:
        field = {f"descriptor/{name}": t for name, t in self.field.tensors().items()}
        proposer = {f"generator/{name}": t for name, t in self.proposer.tensors().items()}
        return field | proposer | {"z": self.z.cpu().clone(), "chains": self.chains.cpu().clone()}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        z, chains = tensors["z"], tensors["chains"]
        if z.shape != self.z.shape or chains.shape != self.chains.shape:
            raise ValueError("chains of other data")
        self.field.resume(_group(tensors, "descriptor/"))
        self.proposer.resume(_group(tensors, "generator/"))
        self.z = z.to(self.z.device, copy=True)
        self.chains = chains.to(self.z.device, copy=True)
        self.iteration, self.seconds = iteration, seconds

    def checkpoint(self) -> Checkpoint | None:
        """With the latents of the first pictures of a set, or of all of the one signal."""
        x = self.trial.data.signals[:KEPT].to(self.z.device)
        walk = dataclasses.replace(self.trial.spec.langevin, acceptance=0.0, preconditioned=True)
        z = self.proposer.rebuild(x, REBUILDING, ROUNDS, SAMPLE_SWEEP)
        return as_model(
            self.trial,
            self.proposer.generator,
            z,
            self.proposer.find_curvature(z, x, SAMPLE_SWEEP),
            sigma=self.proposer.sigma,
            iteration=self.iteration,
            seconds=self.seconds,
            langevin=walk,
            examples=len(x),
            seed=self.seed,
        )

    def _propose(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        unit = self.trial.spec.generator.enlargement
        whole = tuple(-(-side // unit) * unit for side in size)
        x = self.proposer.generator.make(self.proposer.draw(n, whole, SAMPLE_SWEEP, seed).cpu())
        for axis, side in enumerate(size, 2):
            x = x.narrow(axis, 0, side)
        return x.clone()  # what was made in inference mode takes no gradient

    def _revise(self, x: Tensor, seed: int) -> Tensor:
        return self.field.walk_on(x.to(self.z.device), seed, SAMPLE_SWEEP, self.spec.revising).cpu()


def _group(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, by the rest of their names."""
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def cooperative(trial: Trial, seed: int) -> Cooperative:
    """CoopNets with the networks of a trial's kind."""
    spec = SPECS[trial.kind]
    network = bottom_up(trial, spec.field.reference * trial.data.deviation, seed)
    return Cooperative(trial, seed, network, spec)
