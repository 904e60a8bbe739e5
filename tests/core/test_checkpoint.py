"""A run in one file: what is written comes back, whole or not at all."""

import dataclasses
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.spec import GeneratorSpec, LangevinSpec
from abp_core.trainer import Trainer
from abp_core.zoo.half_precision import lighten
from tests.tiny import FP32, NETWORKS, dataset, sha256, training

# Large enough for a loss of samples.
WITH_LOSS = GeneratorSpec(
    latent_shape=(6,),
    projection=(8, 8, 8),
    channels=(8,),
    kernel_size=5,
    upsampling=2,
    out_channels=3,
)


def trained(kind: str = "texture", iterations: int = 2) -> Checkpoint:
    network = NETWORKS[kind]
    going = Trainer(training(network), dataset(network), machine=FP32)
    list(going.steps(iterations))
    return going.checkpoint()


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_file_gives_back_everything(kind: str, tmp_path: Path) -> None:
    saved = trained(kind)
    saved.save(tmp_path / "run.safetensors")
    loaded = Checkpoint.load(tmp_path / "run.safetensors")
    assert sha256(loaded) == sha256(saved)
    plain = ("spec", "source", "digest", "sigma", "iteration", "updates", "seconds")
    assert [getattr(loaded, name) for name in plain] == [getattr(saved, name) for name in plain]


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_generator_is_the_one_that_was_trained(kind: str, tmp_path: Path) -> None:
    network = NETWORKS[kind]
    going = Trainer(training(network), dataset(network), machine=FP32)
    list(going.steps(3))
    going.checkpoint().save(tmp_path / "run.safetensors")
    generator = Checkpoint.load(tmp_path / "run.safetensors").generator()
    assert torch.equal(generator(going.z), going.generator(going.z))
    assert not any(parameter.requires_grad for parameter in generator.parameters())


def test_saving_replaces_the_old_file_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    trained(iterations=1).save(path)
    saved = trained(iterations=2)
    saved.save(path)
    assert Checkpoint.load(path).iteration == 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_orphan(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    trained(iterations=1).save(path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, where, full)
        with pytest.raises(OSError, match="no space"):
            trained(iterations=2).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_writing_leaves_no_orphan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(iterations=0).save(tmp_path / "run.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mask", "private", "mode"),
    [(0o022, False, 0o644), (0o027, False, 0o640), (0o022, True, 0o600)],
)
def test_who_may_read_a_file(tmp_path: Path, mask: int, private: bool, mode: int) -> None:
    before = os.umask(mask)
    try:
        trained(iterations=1).save(tmp_path / "run.safetensors", private=private)
    finally:
        os.umask(before)
    assert (tmp_path / "run.safetensors").stat().st_mode & 0o777 == mode


def test_the_file_that_a_link_leads_to_is_written(tmp_path: Path) -> None:
    real, link = tmp_path / "real.safetensors", tmp_path / "link.safetensors"
    link.symlink_to(real)
    trained(iterations=1).save(link)
    assert link.is_symlink()
    assert Checkpoint.load(real).iteration == 1


def test_a_folder_that_is_not_there_is_an_error_for_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trained(iterations=0).save(tmp_path / "nowhere" / "run.safetensors")


def test_the_bytes_are_on_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / "run.safetensors", []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        calls.append(("fsync", os.fstat(handle).st_size))
        fsync(handle)

    def renamed(source: str, target: Path) -> None:
        calls.append(("replace", Path(source).stat().st_size))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    trained(iterations=0).save(path)
    size = path.stat().st_size
    assert calls == [("fsync", size), ("replace", size)]


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    saved = trained()
    saved.save(tmp_path / "run.safetensors")
    with safe_open(tmp_path / "run.safetensors", framework="numpy") as file:
        header, names = file.metadata(), set(file.keys())
    assert header["format"] == "abp-1"
    assert json.loads(header["spec"]) == json.loads(saved.spec.to_json())
    groups = ("weights", "first_moments", "second_moments")
    assert names == {f"{g}/{n}" for g in groups for n in saved.weights} | {"latents", "curvature"}


def test_the_same_checkpoint_gives_the_same_bytes() -> None:
    """safetensors itself shuffles its metadata anew every time."""
    saved = trained(iterations=0)
    assert len({saved.content() for _ in range(20)}) == 1


class TestLight:
    """The model alone."""

    @pytest.mark.parametrize("kind", NETWORKS)
    def test_a_file_gives_back_the_model_in_single_precision(
        self, kind: str, tmp_path: Path
    ) -> None:
        light = lighten(trained(kind))
        light.save(tmp_path / "light.safetensors")
        loaded = Checkpoint.load(tmp_path / "light.safetensors")
        assert (loaded.updates, loaded.seconds, loaded.iteration) == (0, 0.0, light.iteration)
        assert loaded.first_moments == loaded.second_moments == loaded.sample_loss == {}
        assert loaded.weights.keys() == light.weights.keys()
        for name, tensor in loaded.weights.items():
            assert torch.equal(tensor, light.weights[name])
            assert tensor.dtype == torch.float32
        assert torch.equal(loaded.latents, light.latents)
        assert loaded.latents.dtype == torch.float32
        assert torch.equal(loaded.curvature, light.curvature)

    def test_half_the_bytes_and_nothing_that_only_training_needs(self, tmp_path: Path) -> None:
        lighten(trained()).save(tmp_path / "light.safetensors")
        with safe_open(tmp_path / "light.safetensors", framework="numpy") as file:
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        names = {f"weights/{name}" for name in trained(iterations=0).weights}
        assert kinds == dict.fromkeys(names | {"latents"}, "F16") | {"curvature": "F32"}

    def test_a_light_one_made_light_again_is_the_same(self, tmp_path: Path) -> None:
        light = lighten(trained())
        light.save(tmp_path / "light.safetensors")
        assert lighten(Checkpoint.load(tmp_path / "light.safetensors")).content() == light.content()

    def test_the_time_that_it_took_does_not_change_the_file(self) -> None:
        saved = trained()
        slower = dataclasses.replace(saved, seconds=saved.seconds + 1)
        assert lighten(slower).content() == lighten(saved).content()
        assert slower.content() != saved.content()

    @pytest.mark.parametrize("sample_loss_rate", [0.0, 1e-3])
    def test_training_goes_on_from_it(self, sample_loss_rate: float, tmp_path: Path) -> None:
        """With optimisers that begin anew, from where the model stands."""
        network = WITH_LOSS if sample_loss_rate else NETWORKS["texture"]
        data = dataset(network)
        walk = LangevinSpec(steps=2, step_size=0.01)
        spec = training(network, sample_loss_rate=sample_loss_rate, langevin=walk)
        run = Trainer(spec, data, machine=FP32)
        list(run.steps(30))
        lighten(run.checkpoint()).save(tmp_path / "light.safetensors")
        light = Checkpoint.load(tmp_path / "light.safetensors")
        again = Trainer.resume(light, data, machine=FP32)
        before, after = run.step(), again.step()
        assert (after.iteration, again.updates) == (31, 1)
        assert after.reconstruction_error == pytest.approx(before.reconstruction_error, rel=0.05)
        goes_on = again.checkpoint()
        assert bool(goes_on.sample_loss) == bool(sample_loss_rate)
        goes_on.save(tmp_path / "whole.safetensors")
        assert sha256(Checkpoint.load(tmp_path / "whole.safetensors")) == sha256(goes_on)


def test_nothing_of_the_data_but_its_digest_is_kept(tmp_path: Path) -> None:
    network = NETWORKS["texture"]
    data = dataset(network)
    trained().save(tmp_path / "run.safetensors")
    content = (tmp_path / "run.safetensors").read_bytes()
    assert data.digest.encode() in content
    assert data.signals[0].numpy().tobytes() not in content


def test_a_rejection_is_a_value_error_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^missing\.safetensors could not be opened\.$") as caught:
        Checkpoint.load(tmp_path / "missing.safetensors")
    assert isinstance(caught.value, CheckpointRejected)


def test_a_checkpoint_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        trained(iterations=0).iteration = 5
