"""U(z) against closed forms, and its gradient against finite differences."""

import pytest
import torch
from torch import Tensor

from abp_core.device import value_and_grad
from abp_core.generator import Generator
from abp_core.observation import Compressed, Downsampled, Full, Observation, Occluded
from abp_core.posterior import Posterior
from abp_core.spec import GeneratorSpec
from tests.core.test_generator import textbook, with_biases
from tests.tiny import NETWORKS

SIGMA = 0.4
EXAMPLES = 3


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def observations(spec: GeneratorSpec) -> dict[str, Observation]:
    visible = gaussian(EXAMPLES + 2, 1, *spec.signal_shape[1:], seed=5) > 0
    return {
        "full": Full(),
        "occluded": Occluded(visible.float()),
        "compressed": Compressed.random(11, spec.signal_shape, seed=2),
        "downsampled": Downsampled(2),
    }


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("seen", observations(NETWORKS["texture"]))
def test_gradient_is_that_of_the_textbook_energy(kind: str, seen: str) -> None:
    spec = NETWORKS[kind]
    generator, observation = with_biases(spec), observations(spec)[seen]
    index = torch.tensor([4, 0, 2])  # not their places in the batch
    y = observation.measure(gaussian(EXAMPLES, *spec.signal_shape, seed=1).tanh(), index)
    z = gaussian(EXAMPLES, *spec.latent_shape, seed=2)

    def energy(z: Tensor) -> Tensor:
        """U(z) in double precision."""
        residual = y.double() - observation.measure(textbook(generator, z), index)
        misfit = residual.flatten(1).square().sum(1) / (2 * SIGMA**2)
        return misfit + z.flatten(1).square().sum(1) / 2

    value, grad = value_and_grad(Posterior(generator, observation, y, index, SIGMA).energy, z)
    torch.testing.assert_close(value.double(), energy(z.double()), rtol=1e-5, atol=0)
    differences = central_differences(energy, z.double())
    error = (grad.double() - differences).abs().max() / differences.abs().max()
    assert error < 1e-4


def central_differences(energy, z: Tensor, h: float = 1e-6) -> Tensor:
    """dU/dz entry by entry, (U(z + h) - U(z - h)) / 2h."""
    flat = z.flatten(1)
    slopes = torch.empty_like(flat)
    for entry in range(flat.shape[1]):
        there, back = flat.clone(), flat.clone()
        there[:, entry] += h
        back[:, entry] -= h
        slopes[:, entry] = (energy(there.view_as(z)) - energy(back.view_as(z))) / (2 * h)
    return slopes.view_as(z)


def test_energy_of_a_linear_model_by_hand() -> None:
    # f(z) = (z, 2 z), y = (1, 0), sigma = 1/2, z = 3: (4 + 36) / (1/2) + 9/2.
    posterior = Posterior(
        lambda z: torch.cat([z, 2 * z], 1),
        Full(),
        torch.tensor([[1.0, 0.0]]),
        torch.arange(1),
        0.5,
    )
    z = torch.tensor([[3.0]])
    assert posterior.misfit(z).tolist() == [80.0]
    assert posterior.energy(z).tolist() == [84.5]


def test_energies_are_sums_not_means_over_a_signal() -> None:
    def misfit(entries: int) -> float:
        y = torch.ones(1, 1, entries)
        return float(Posterior(torch.zeros_like, Full(), y, torch.arange(1), 1.0).misfit(y))

    assert misfit(7) == 3.5
    assert misfit(70) == 35.0


@pytest.mark.parametrize("n", range(1, 19))
def test_an_energy_does_not_depend_on_the_number_of_examples(n: int) -> None:
    spec = NETWORKS["texture"]
    generator = Generator(spec).requires_grad_(False)
    y, z = gaussian(18, *spec.signal_shape, seed=1), gaussian(18, *spec.latent_shape, seed=2)
    index = torch.arange(18)
    whole = value_and_grad(Posterior(generator, Full(), y, index, SIGMA).energy, z)
    some = Posterior(generator, Full(), y[:n], index[:n], SIGMA)
    value, grad = value_and_grad(some.energy, z[:n])
    assert torch.equal(value, whole[0][:n])
    assert torch.equal(grad, whole[1][:n])


def test_energy_is_misfit_plus_prior() -> None:
    spec = NETWORKS["objects"]
    generator = Generator(spec).requires_grad_(False)
    y, z = gaussian(3, *spec.signal_shape), gaussian(3, *spec.latent_shape, seed=1)
    posterior = Posterior(generator, Full(), y, torch.arange(3), SIGMA)
    torch.testing.assert_close(
        posterior.energy(z) - posterior.misfit(z), z.square().sum(1) / 2, rtol=0, atol=1e-3
    )


def test_what_is_hidden_has_no_say() -> None:
    spec = NETWORKS["texture"]
    generator = Generator(spec).requires_grad_(False)
    occluded = observations(spec)["occluded"]
    index = torch.arange(EXAMPLES)
    x = gaussian(EXAMPLES, *spec.signal_shape).tanh()
    hidden = 1 - occluded.visible[index]
    z = gaussian(EXAMPLES, *spec.latent_shape, seed=1)

    def at(x: Tensor) -> tuple[Tensor, Tensor]:
        y = occluded.measure(x, index)
        return value_and_grad(Posterior(generator, occluded, y, index, SIGMA).energy, z)

    value, grad = at(x)
    other_value, other_grad = at(x + 5 * hidden)
    assert torch.equal(value, other_value)
    assert torch.equal(grad, other_grad)
    assert not torch.equal(value, at(x + 0.1)[0])
