"""Half precision: what a model makes stays what it was, whatever its weights are."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from abp_core.checkpoint import shrink_dtype
from abp_core.generator import Generator
from abp_core.noise import PRIOR_DRAW, chain_noise
from abp_core.spec import GeneratorSpec
from abp_core.zoo.half_precision import (
    MOST_MOVED,
    PROBES,
    round_to_half,
)
from tests.tiny import NETWORKS

KINDS = st.sampled_from(sorted(NETWORKS))


def model(kind: str, seed: int, contrast: float) -> tuple[GeneratorSpec, dict[str, Tensor], Tensor]:
    """A network whose last layer is `contrast` times as strong as at its beginning, and latents."""
    spec = NETWORKS[kind]
    weights = {name: t.detach() for name, t in Generator(spec, seed=seed).named_parameters()}
    last = f"kernels.{len(spec.channels) + len(spec.mixing)}"
    draw = torch.Generator().manual_seed(seed)
    latents = torch.randn(7, *spec.latent_shape, generator=draw)
    return spec, weights | {last: weights[last] * contrast}, latents


def signals(spec: GeneratorSpec, weights: dict[str, Tensor], latents: Tensor) -> Tensor:
    generator = Generator(spec).requires_grad_(False)
    generator.load_state_dict(weights)
    index = torch.arange(PROBES)
    drawn = chain_noise(seed=0, sweep=PRIOR_DRAW, index=index, steps=1, shape=spec.latent_shape)[0]
    return generator(torch.cat([latents, drawn]))


def moved(spec: GeneratorSpec, weights: dict[str, Tensor], latents: Tensor) -> tuple[float, float]:
    """The farthest that an entry moves: when a model is rounded as it is here, and when all of
    it is."""
    before = signals(spec, weights, latents)
    ours = signals(spec, *round_to_half(spec, weights, latents))
    halves = {name: tensor.half().float() for name, tensor in weights.items()}
    all_of_it = signals(spec, halves, latents.half().float())
    return tuple(float((x - before).abs().max()) for x in (ours, all_of_it))  # type: ignore[return-value]


@given(kind=KINDS, seed=st.integers(0, 10**6), contrast=st.floats(0.1, 300))
def test_no_entry_moves_by_more_than_one_in_255(kind: str, seed: int, contrast: float) -> None:
    ours, _ = moved(*model(kind, seed, contrast))
    assert ours <= MOST_MOVED


def test_without_the_limit_it_would_move_farther() -> None:
    """The property above can fail: this model needs its single precision, and keeps some of it."""
    spec, weights, latents = model("texture", 3, 200.0)
    ours, all_of_it = moved(spec, weights, latents)
    assert ours <= MOST_MOVED < all_of_it
    kept, z = round_to_half(spec, weights, latents)
    kinds = {name: shrink_dtype(tensor).dtype for name, tensor in (kept | {"latents": z}).items()}
    assert set(kinds.values()) == {torch.float16, torch.float32}
    for name, tensor in kept.items():
        assert torch.equal(tensor, weights[name]) or torch.equal(
            tensor, weights[name].half().float()
        )


def test_an_ordinary_model_is_rounded_whole() -> None:
    spec, weights, latents = model("objects", 0, 1.0)
    kept, z = round_to_half(spec, weights, latents)
    assert all(shrink_dtype(tensor).dtype == torch.float16 for tensor in (*kept.values(), z))


def test_what_half_precision_has_no_room_for_stays() -> None:
    spec, weights, latents = model("objects", 0, 1.0)
    weights["opening_bias"] = torch.full_like(weights["opening_bias"], -1e6)  # never rectified up
    weights["biases.1"] = torch.full_like(weights["biases.1"], 1e6)  # white, rounded or not
    kept, _ = round_to_half(spec, weights, latents)
    for name in ("opening_bias", "biases.1"):
        assert torch.equal(kept[name], weights[name])


def test_the_smallest_form_loses_nothing() -> None:
    exact, inexact = torch.tensor([0.5, -3.0, 0.0]), torch.tensor([0.5, 0.1])
    assert shrink_dtype(exact).dtype == torch.float16
    assert shrink_dtype(inexact) is inexact
    assert shrink_dtype(torch.tensor([1e6])).dtype == torch.float32
