"""Precision and place: twins that follow their network, gradients with respect to z only."""

import subprocess
import sys

import pytest
import torch
from torch import Tensor

from abp_core import device
from abp_core.device import (
    DeviceRejected,
    Machine,
    native_bf16,
    this_machine,
    value_and_grad,
)
from abp_core.generator import Generator
from abp_core.observation import Full
from abp_core.posterior import Posterior
from tests.tiny import BF16, FP32, NETWORKS, dataset


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_value_and_grad_by_hand() -> None:
    z = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    value, grad = value_and_grad(lambda z: (z**3).sum(1), z)
    assert value.tolist() == [9.0, 26.0]
    assert grad.tolist() == [[3.0, 12.0], [27.0, 3.0]]
    assert not value.requires_grad
    assert not z.requires_grad


def test_weights_get_no_gradient_from_a_chain() -> None:
    generator = Generator(NETWORKS["texture"])
    z = gaussian(2, *NETWORKS["texture"].latent_shape)
    value_and_grad(lambda z: generator(z).flatten(1).sum(1), z)
    assert all(parameter.grad is None for parameter in generator.parameters())


@pytest.mark.parametrize("machine", [FP32, BF16], ids=["fp32", "bf16"])
def test_a_twin_has_the_networks_weights_of_now(machine: Machine) -> None:
    generator = Generator(NETWORKS["objects"])
    twin = machine.chain_copy(generator)
    before = [p.detach().clone() for p in generator.parameters()]
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(1)
    for ours, old in zip(twin.parameters(), before, strict=True):
        assert ours.dtype == machine.fast
        assert not ours.requires_grad
        assert torch.equal(ours, old.to(machine.fast))  # a copy, not a view
    machine.refresh(twin, generator)
    for ours, theirs in zip(twin.parameters(), generator.parameters(), strict=True):
        assert torch.equal(ours, theirs.to(machine.fast))
        assert theirs.dtype == torch.float32


@pytest.mark.skipif(not native_bf16(), reason="this CPU has no bf16, so nothing is computed in it")
@pytest.mark.parametrize("kind", NETWORKS)
def test_fast_gradients_are_near_the_exact_ones(kind: str) -> None:
    spec = NETWORKS[kind]
    generator, data = Generator(spec), dataset(spec, 8)
    z = gaussian(8, *spec.latent_shape)

    def gradient(machine: Machine) -> Tensor:
        twin = machine.chain_copy(generator)
        posterior = Posterior(twin, Full(), data.signals, torch.arange(8), 0.3)
        return value_and_grad(posterior.energy, z)[1].flatten(1)

    exact, fast = gradient(FP32), gradient(BF16)
    assert (fast - exact).norm() < 0.05 * exact.norm()
    assert not torch.equal(exact, fast)  # bf16 was indeed used


def test_autocast_follows_the_precision() -> None:
    a = torch.ones(2, 2)
    with FP32.autocast():
        assert (a @ a).dtype == torch.float32
    with BF16.autocast():
        assert (a @ a).dtype == torch.bfloat16


def test_this_machine_is_chosen_once_and_by_what_is_there() -> None:
    machine = this_machine()
    assert machine is this_machine()
    assert (machine.device.type == "cuda") == torch.cuda.is_available()
    if machine.device.type == "cpu":
        assert (machine.fast == torch.bfloat16) == device.native_bf16()


@pytest.mark.parametrize("chosen", ["gpu", "cuda:1", "CPU"])
def test_a_device_of_another_name_is_refused(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABP_DEVICE", chosen)
    with pytest.raises(DeviceRejected, match=f"^ABP_DEVICE is {chosen}; please set it to cpu or"):
        this_machine.__wrapped__()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_card_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABP_DEVICE", "cuda")
    with pytest.raises(DeviceRejected, match="finds no graphics card here; please"):
        this_machine.__wrapped__()


@pytest.mark.parametrize("chosen", ["cpu", ""])
def test_the_cpu_is_chosen_or_all_that_is_there(
    chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABP_DEVICE", chosen)
    there = torch.cuda.is_available() and not chosen
    assert this_machine.__wrapped__().device.type == ("cuda" if there else "cpu")


PRECISION = """
import os, torch
from abp_core.device import set_precision
set_precision()
print(torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision)
print(torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
print(torch.are_deterministic_algorithms_enabled(), os.environ["CUBLAS_WORKSPACE_CONFIG"])
print(torch.get_float32_matmul_precision(), torch.ones(2, 2).mm(torch.ones(2, 2))[0, 0].item())
"""


def test_how_a_card_computes_is_set_and_nothing_warns() -> None:
    """In a process of its own: it holds for all of one."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRECISION],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [
        *("tf32", "ieee", "True", "False", "True", ":4096:8", "highest", "2.0"),
    ]


@pytest.mark.parametrize(
    ("capabilities", "native"),
    [
        ({"avx2": True, "avx512": True}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True, "avx512_bf16": False}, True),
        ({}, False),
    ],
)
def test_bf16_is_used_only_where_it_is_native(
    capabilities: dict[str, bool], native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert device.native_bf16() is native


@pytest.mark.cuda
def test_what_a_queue_recorded_is_done_anew_every_time() -> None:
    machine = Machine(torch.device("cuda"), torch.float32)
    given, total = torch.ones(4, device="cuda"), torch.zeros(4, device="cuda")

    def work() -> None:
        total.add_(given**2)

    with machine.queue() as queue:
        work()
        again = queue.record(work)
        assert total.tolist() == [1.0] * 4, "to record is not to do"
        given.fill_(3)
        again()
        again()
        assert total.tolist() == [19.0] * 4
