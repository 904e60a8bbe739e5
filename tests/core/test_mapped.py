"""Sets larger than memory: the same run as in memory, in memory that does not grow with the set."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from abp_core import trainer
from abp_core.chains import examples
from abp_core.chains.examples import choose_visited
from abp_core.cli import arguments, signals
from abp_core.data import datasets, decode, mapped
from abp_core.data.datasets import Dataset
from abp_core.data.formats import FileRejected
from abp_core.learning import whitening
from abp_core.observation import Full, views
from abp_core.presets import PRESETS
from abp_core.spec import LangevinSpec
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, dataset, goes_on_exactly, sha256, training

ROOT = Path(__file__).resolve().parents[2]
METRIC = LangevinSpec(steps=3, step_size=0.3, preconditioned=True)


def on_disk(data: Dataset, folder: Path) -> Dataset:
    path = folder / f"made{mapped.ENDING}"
    np.save(path, data.signals.numpy())
    return Dataset(mapped.open_signals(path), data.source)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four examples at most."""
    monkeypatch.setattr(mapped, "SHARD", 4)
    monkeypatch.setattr(whitening, "SHARD", 4)
    monkeypatch.setattr(views, "AT_ONCE", 4)


@pytest.mark.parametrize("shards", ["one", "small"])
@pytest.mark.parametrize("changes", [{}, {"standardised": True, "components": True}])
def test_a_run_on_the_disk_is_the_run_in_memory(
    changes: dict[str, object], shards: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if shards == "small":
        request.getfixturevalue("small_shards")
    network = NETWORKS["objects"]
    spec, data = training(network, langevin=METRIC, batch_size=3, **changes), dataset(network)
    there = on_disk(data, tmp_path)
    assert mapped.is_mapped(there.signals)
    runs = [Trainer(spec, each, machine=FP32) for each in (data, there)]
    assert [mapped.is_mapped(run.z) for run in runs] == [False, True]
    for run in runs:
        for _ in run.steps(8):
            pass
    assert runs[0].updates == 8
    assert sha256(runs[0].checkpoint()) == sha256(runs[1].checkpoint())


def test_a_run_on_the_disk_goes_on_exactly(small_shards: None, tmp_path: Path) -> None:
    network = NETWORKS["objects"]
    data = on_disk(dataset(network), tmp_path)
    goes_on_exactly(training(network), data, tmp_path / "run.safetensors", before=3, after=4)


def test_latents_that_no_checkpoint_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "MOST_BYTES", 200)  # 10 latents of 6 numbers
    network = NETWORKS["objects"]
    with pytest.raises(examples.DataMismatch, match=r"more than a checkpoint holds.*\.$"):
        Trainer(training(network), dataset(network), machine=FP32)


def test_moments_in_parts_are_those_of_all(small_shards: None) -> None:
    y = dataset(NETWORKS["objects"]).signals
    found = Full().moments(y, 3)
    rows = y.transpose(0, 1).flatten(1)
    torch.testing.assert_close(found.mean, rows.mean(1))
    expected = (rows - rows.mean(1, keepdim=True)).square().mean().sqrt()
    assert found.deviation == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("size", [1, 3, 5, 13])
def test_an_epoch_goes_from_shard_to_shard(small_shards: None, size: int) -> None:
    n = 13
    shards = {one: k for k, shard in enumerate(mapped.shards(n)) for one in shard}
    assert max(len(shard) for shard in mapped.shards(n)) <= 4
    orders = []
    for epoch in range(3):
        visited = [
            choose_visited(0, epoch * (n // size) + place, n, size) for place in range(n // size)
        ]
        order = torch.cat(visited).tolist()
        assert len({*order}) == len(order) == n - n % size
        left = [shards[one] for one in order]
        if size == 1:  # one shard after another, each as a whole
            changes = sum(a != b for a, b in itertools.pairwise(left))
            assert changes == len(mapped.shards(n)) - 1
        orders.append(order)
    assert size == n or orders[0] != orders[1] != orders[2]


def test_a_set_of_one_shard_is_visited_as_ever() -> None:
    order = examples.permutation(seed=3, epoch=1, n=10)
    assert choose_visited(3, 3, 10, 4).tolist() == sorted(order[4:8].tolist())


LEARN = """
import resource, sys, torch
from pathlib import Path
from abp_core.chains import examples
from abp_core.data import mapped
from abp_core.data.datasets import Dataset, Source
from abp_core.learning import whitening
from abp_core.observation import views
from abp_core.trainer import Trainer
from tests.tiny import FP32, training
from tests.ranked import FACE

mapped.SHARD = whitening.SHARD = views.AT_ONCE = 512
torch.set_num_threads(1)
signals = mapped.open_signals(Path(sys.argv[1]))
spec = training(FACE, batch_size=64, examples=len(signals), standardised=True)
held = sum(
    int(line.split()[1]) * 1024
    for line in Path("/proc/self/status").read_text().splitlines()
    if line.startswith("VmData:")
)
resource.setrlimit(resource.RLIMIT_DATA, (held + 120_000_000,) * 2)
if sys.argv[2] == "memory":
    signals = signals.clone()
run = Trainer(spec, Dataset(signals, Source(kind="objects", name="noise")), machine=FP32)
for event in run.steps(3):
    print(event.misfit)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits what Linux counts")
def test_memory_does_not_grow_with_the_set(tmp_path: Path) -> None:
    """200 MB of signals, with 120 MB to work in: enough from the disk, too little in memory."""
    path = tmp_path / f"noise{mapped.ENDING}"
    made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(16384, 3, 32, 32))
    draw = np.random.default_rng(0)
    for part in np.split(made, 64):
        part[:] = draw.uniform(-1, 1, part.shape)
    made.flush()
    ended = {}
    for where in ("disk", "memory"):
        words = [sys.executable, "-c", LEARN, path, where]
        ran = subprocess.run(
            [*map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        ended[where] = ran
    assert ended["disk"].returncode == 0, ended["disk"].stderr
    assert ended["disk"].stdout.count("\n") == 3
    assert "memory" in ended["memory"].stderr
    assert ended["memory"].returncode != 0


class TestTheCommand:
    @staticmethod
    def pictures(folder: Path, n: int = 5) -> Path:
        for k in range(n):
            pixels = np.random.default_rng(k).integers(0, 256, (40, 48, 3), dtype=np.uint8)
            (folder / "deep").mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / "deep" / f"{k}.png")
        return folder

    def run(self, monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
        monkeypatch.setattr(sys, "argv", ["signals", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            arguments.run(signals.main)
        self.code = ended.value.code

    def test_it_makes_a_set_that_training_takes(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        out = tmp_path / f"set{mapped.ENDING}"
        folder = self.pictures(tmp_path / "pictures")
        self.run(monkeypatch, "--pictures", folder, "--out", out, "--side", 32)
        assert self.code == 0
        found, spec = datasets.load(out, PRESETS["quick-objects"].training)
        squares = [
            decode.square(decode.decode(p).pixels, 32) for p in sorted(folder.rglob("*.png"))
        ]
        expected = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2) / 127.5 - 1
        assert spec.examples == 5
        assert spec.generator.signal_shape == (3, 32, 32)
        torch.testing.assert_close(found.signals, expected, rtol=0, atol=1e-6)
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [out.name]
        Trainer(spec, found, machine=FP32).step()

    def test_what_is_no_picture_is_refused_by_name(
        self,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        folder = self.pictures(tmp_path / "pictures")
        (folder / "zzz.png").write_bytes(b"no picture")
        out = tmp_path / f"set{mapped.ENDING}"
        self.run(monkeypatch, "--pictures", folder, "--out", out)
        assert self.code == 2
        assert "zzz.png" in capsys.readouterr().err
        assert not out.exists()


def test_another_file_by_such_a_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"other{mapped.ENDING}"
    np.save(path, np.zeros((4, 8, 8), np.float32))
    with pytest.raises(FileRejected, match=r"holds no signals.*\.$"):
        datasets.load(path, PRESETS["quick-objects"].training)
