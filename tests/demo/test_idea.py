"""The idea's tab learns by the browser's own scripts: the same numbers as autograd, by node."""

import json
import math
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

IDEA = Path(__file__).parents[2] / "demo" / "idea"
SIGMA, STEP_SIZE = 0.3, 0.4 * 0.3
POINTS = [[0.3, -0.8], [1.1, 0.4], [-0.6, 0.9], [0.2, 0.1], [-1.2, -0.7]]


def run_scripts(program: str) -> Any:
    """What the program, after the tab's scripts that know no page, returns."""
    node = shutil.which("node")
    if node is None:
        sentence = "No node was found; install it to check the numbers of the browser scripts."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    names = ("network", "alternation", "shapes")
    scripts = "".join((IDEA / f"{name}.js").read_text(encoding="utf-8") for name in names)
    code = f"{scripts}\nconsole.log(JSON.stringify((() => {{{program}}})()))"
    done = subprocess.run(
        [node, "-"], input=code, capture_output=True, encoding="utf-8", check=True
    )
    return json.loads(done.stdout)


def tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def generate(weights: Tensor, z: Tensor, hidden: int) -> Tensor:
    """f(z; W) of codes (n, latent) as the scripts lay out W, (n, 2)."""
    at, x = 0, z
    for inputs, outputs in ((z.shape[1], hidden), (hidden, hidden), (hidden, 2)):
        matrix = weights[at : at + inputs * outputs].view(outputs, inputs)
        at += inputs * outputs
        x = x @ matrix.T + weights[at : at + outputs]
        at += outputs
        x = x.tanh() if at < len(weights) else x
    assert at == len(weights)
    return x


class Reference:
    """Toy data, codes and weights as the scripts begin with, with autograd beside them."""

    def __init__(self, latent: int) -> None:
        self.begin = (
            f"const toy = makeToy({json.dumps(POINTS)}, {latent}, {SIGMA}, 7);"
            "const count = toy.count * toy.network.latent;"
            "const before = { z: [...toy.z.subarray(0, count)], W: [...toy.network.weights] };"
        )
        sent = run_scripts(self.begin + "return { ...before, hidden: HIDDEN };")
        self.hidden, self.x = int(sent["hidden"]), tensor(POINTS)
        self.z = tensor(sent["z"]).view(-1, latent).requires_grad_()
        self.weights = tensor(sent["W"]).requires_grad_()

    def misfits(self) -> Tensor:
        missed = self.x - generate(self.weights, self.z, self.hidden)
        return missed.square().sum(1) / (2 * SIGMA**2)


@pytest.fixture(params=[1, 2])
def reference(request: pytest.FixtureRequest) -> Reference:
    return Reference(request.param)


def test_one_langevin_step_is_that_of_autograd(reference: Reference) -> None:
    energy = reference.misfits().sum() + reference.z.square().sum() / 2
    (slope,) = torch.autograd.grad(energy, reference.z)
    noise = tensor([math.sin(k) for k in range(slope.numel())]).view_as(slope)
    expected = reference.z - STEP_SIZE**2 / 2 * slope + STEP_SIZE * noise
    found = run_scripts(
        reference.begin
        + "let k = 0; inferOnce(toy, () => Math.sin(k++)); return [...toy.z.subarray(0, count)];"
    )
    torch.testing.assert_close(tensor(found).view_as(slope), expected.detach(), rtol=0, atol=1e-6)


def test_without_noise_the_step_is_the_gradient_alone(reference: Reference) -> None:
    energy = reference.misfits().sum() + reference.z.square().sum() / 2
    (slope,) = torch.autograd.grad(energy, reference.z)
    found = run_scripts(
        reference.begin + "toy.noisy = false; inferOnce(toy); return [...toy.z.subarray(0, count)];"
    )
    moved = (reference.z.detach() - tensor(found).view_as(slope)) / (STEP_SIZE**2 / 2)
    torch.testing.assert_close(moved, slope, rtol=0, atol=1e-6)


def test_the_gradient_on_the_weights_is_that_of_autograd(reference: Reference) -> None:
    (slopes,) = torch.autograd.grad(reference.misfits().mean(), reference.weights)
    found = run_scripts(reference.begin + "return [...slopesOf(toy)];")
    torch.testing.assert_close(tensor(found), slopes, rtol=0, atol=1e-6)


def test_learning_is_adam(reference: Reference) -> None:
    found = run_scripts(
        reference.begin
        + "for (let k = 0; k < 3; k++) learnOnce(toy);"
        + "return { W: [...toy.network.weights], rate: LEARNING_RATE, told: measure(toy) };"
    )
    adam = torch.optim.Adam([reference.weights], lr=found["rate"])
    for _ in range(3):
        adam.zero_grad()
        reference.misfits().mean().backward()  # type: ignore[no-untyped-call]
        adam.step()
    torch.testing.assert_close(tensor(found["W"]), reference.weights.detach(), rtol=0, atol=1e-6)
    assert found["told"]["misfit"] == pytest.approx(
        float(reference.misfits().detach().mean()), abs=1e-6
    )
    size = float(reference.z.detach().square().sum(1).mean())
    assert found["told"]["size"] == pytest.approx(size, abs=1e-6)


def test_learning_explains_every_ready_made_shape() -> None:
    found = run_scripts("""
        const told = [];
        for (const [name, points] of Object.entries(SHAPES)) {
          for (const latent of [1, 2]) {
            const toy = makeToy(points(), latent, 0.1, 1);
            const before = measure(toy).misfit;
            while (toy.iteration < 150) advance(toy);
            told.push({ name, latent, before, after: measure(toy).misfit, x: [...toy.x] });
          }
        }
        return told;""")
    assert len(found) == 8
    for told in found:
        assert told["after"] < 0.2 * told["before"], told["name"]
        assert max(map(abs, told["x"])) <= 1.3


def test_draws_of_noise_are_normal() -> None:
    draws = tensor(
        run_scripts(
            "const draw = normalDraws(3); return Array.from({ length: 20000 }, () => draw());"
        )
    )
    assert abs(float(draws.mean())) < 0.03
    assert float(draws.std()) == pytest.approx(1, abs=0.03)
    assert float((draws.abs() < 1).double().mean()) == pytest.approx(0.6827, abs=0.015)
    assert abs(float((draws[1:] * draws[:-1]).mean())) < 0.03
