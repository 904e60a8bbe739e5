"""A comparison: what is held back, fair turns, figures with known answers, files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from abp_core.data.formats import FileRejected
from abp_core.family import file, methods
from abp_core.family.comparison import Comparison
from abp_core.family.file import MemberRejected
from abp_core.family.member import Shown, Told
from abp_core.family.methods import METHODS, Method, why_not
from abp_core.family.trial import Trial, load_trial
from abp_core.family.verdict import Yardstick, tell_energies
from abp_core.spec import Kind
from abp_core.synthesis import sampling
from tests.members import iterate, same, small_trial

PACK = Path(__file__).resolve().parents[2] / "demo" / "examples"


class Puppet:
    """A member that does what it is told: `each` seconds an iteration, samples that are given."""

    parameters = 0

    def __init__(
        self,
        trial: Trial,
        made: Tensor,
        rebuilt: Tensor | None = None,
        each: float = 1.0,
        last: int = 10**6,
    ) -> None:
        self.trial, self.seed = trial, 0
        self.iteration, self.seconds = 0, 0.0
        self._made, self._rebuilt, self._each, self._last = made, rebuilt, each, last

    def alternation(self) -> Iterator[Told | None]:
        yield None
        self.iteration += 1
        self.seconds += self._each
        yield Told(self.iteration, 0.0, self._each, learnt=self.iteration == self._last)

    def sample(self, n: int, seed: int, size: tuple[int, ...]) -> Tensor:
        return self._made[:n]

    def rebuild(self, x: Tensor) -> Tensor | None:
        return None if self._rebuilt is None else self._rebuilt[: len(x)]

    def energy(self, x: Tensor) -> Tensor | None:
        return None

    def show(self) -> tuple[Shown, ...]:
        return ()

    def tensors(self) -> dict[str, Tensor]:
        return {}

    def resume(self, tensors: Mapping[str, Tensor], iteration: int, seconds: float) -> None:
        raise NotImplementedError

    def checkpoint(self) -> None:
        return None


@pytest.fixture(scope="module")
def boots() -> Trial:
    return load_trial(PACK / "objects" / "ankle_boot_32.npz")


@pytest.fixture(scope="module")
def pebbles() -> Trial:
    return load_trial(PACK / "textures" / "pebbles.jpg")


@pytest.fixture(scope="module")
def stream() -> Trial:
    return load_trial(PACK / "sounds" / "stream.flac")


def noise_like(x: Tensor) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return (torch.randn(x.shape, generator=draw) * x.std() + x.mean()).clamp(-1, 1)


class TestTrials:
    def test_a_set_holds_back_a_tenth_that_nobody_learns(self, boots: Trial) -> None:
        rows = {tuple(row) for row in boots.data.signals.flatten(1).tolist()}
        assert len(boots.held) == 64
        assert not any(tuple(row) in rows for row in boots.held.flatten(1).tolist())

    def test_one_picture_holds_back_its_end(self, pebbles: Trial) -> None:
        pixels = np.asarray(Image.open(PACK / "textures" / "pebbles.jpg").convert("RGB"))
        whole = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1
        rows = pebbles.data.signals.shape[2]
        assert torch.equal(pebbles.data.signals[0], whole[:, :rows])
        assert torch.equal(pebbles.held[0], whole[:, rows : rows + pebbles.held.shape[2]])
        assert rows / whole.shape[1] == pytest.approx(0.75, abs=0.03)

    def test_of_what_shows_everything_twice_the_second_time_is_left_out(self) -> None:
        wall = load_trial(PACK / "textures" / "stone_wall.jpg")
        assert wall.data.signals.shape[2] + wall.held.shape[2] <= 256

    def test_a_sound_holds_back_its_end(self, stream: Trial) -> None:
        assert stream.held.shape[2] <= 2 * stream.data.source.sample_rate
        assert stream.data.signals.shape[2] == 144_000

    def test_too_little_is_refused_in_one_sentence(self, tmp_path: Path) -> None:
        few, small = tmp_path / "few.npz", tmp_path / "small.png"
        np.savez(few, np.random.default_rng(0).integers(0, 255, (7, 32, 32, 3)).astype(np.uint8))
        draw = np.random.default_rng(0).integers(0, 255, (34, 34, 3)).astype(np.uint8)
        Image.fromarray(draw).save(small)
        for path in (few, small):
            with pytest.raises(FileRejected, match=r"^[^.]*\.$"):
                load_trial(path)


class TestTurns:
    @pytest.fixture
    def puppets(self, boots: Trial, monkeypatch: pytest.MonkeyPatch) -> dict[str, Puppet]:
        made = boots.held
        found = {
            "quick": Puppet(boots, made, each=0.5),
            "slow": Puppet(boots, made, each=3.0),
            "exact": Puppet(boots, made, each=0.1, last=2),
        }
        for name, puppet in found.items():
            method = Method(name, "", "", "", "", frozenset(), lambda *_, it=puppet: it)
            monkeypatch.setitem(METHODS, name, method)
        return found

    def test_nobody_is_ahead_by_more_than_an_iteration(
        self, boots: Trial, puppets: dict[str, Puppet]
    ) -> None:
        comparison = Comparison(boots, ["quick", "slow"])
        for _ in comparison.moves(30):
            spent = [comparison.spent(name) for name in comparison.names]
            assert abs(spent[0] - spent[1]) <= 3.0
        assert [p.seconds for p in (puppets["quick"], puppets["slow"])] == [30, 30]
        assert comparison.progress(30) == 1

    def test_iterations_are_not_interleaved(self, boots: Trial, puppets: dict[str, Puppet]) -> None:
        within = ""
        for name, told in Comparison(boots, ["quick", "slow"]).moves(12):
            assert within in ("", name)
            built = not within and puppets[name].iteration == 0 and told is None
            within = "" if told is not None or built else name

    def test_what_is_learnt_has_no_more_turns(
        self, boots: Trial, puppets: dict[str, Puppet]
    ) -> None:
        comparison = Comparison(boots, ["quick", "exact"])
        for _ in comparison.moves(5):
            pass
        assert puppets["exact"].iteration == 2
        assert puppets["quick"].seconds == 5
        assert comparison.ended("exact")
        assert not comparison.ended("quick")

    def test_more_seconds_go_on_from_where_it_was(
        self, boots: Trial, puppets: dict[str, Puppet]
    ) -> None:
        comparison = Comparison(boots, ["quick", "slow"])
        for budget in (6, 9):
            for _ in comparison.moves(budget):
                pass
        assert puppets["slow"].seconds == 9


class TestFigures:
    def test_of_the_data_itself(self, boots: Trial) -> None:
        yardstick = Yardstick.of(boots)
        held = yardstick.judge(Puppet(boots, boots.held, boots.held))
        assert held.reconstruction == 0
        assert held.features == pytest.approx(0, abs=1e-6)
        assert held.copied == pytest.approx(0.05, abs=0.03)
        assert held.diversity == pytest.approx(1, abs=0.15)
        learnt = yardstick.judge(Puppet(boots, boots.data.signals[64:128]))
        assert learnt.copied == 1
        assert 0.4 < learnt.features < 2.5
        assert learnt.reconstruction is None

    @pytest.mark.parametrize("kind", ["boots", "pebbles", "stream"])
    def test_noise_is_far_and_copies_nothing(
        self, kind: str, request: pytest.FixtureRequest
    ) -> None:
        trial: Trial = request.getfixturevalue(kind)
        yardstick, real = Yardstick.of(trial), trial.data.signals[:64]
        noise, same = (yardstick.judge(Puppet(trial, x)) for x in (noise_like(real), real))
        assert noise.features > 5 * max(same.features, 1)
        assert noise.copied < 0.2
        assert same.copied > 0.95
        assert same.diversity == pytest.approx(1, abs=0.1)

    def test_one_face_over_and_over_has_no_diversity(self, boots: Trial) -> None:
        same = boots.held[:1].expand(64, -1, -1, -1)
        assert Yardstick.of(boots).judge(Puppet(boots, same)).diversity == pytest.approx(
            0, abs=1e-6
        )


class _Thinking(Puppet):
    """Likes what is bright."""

    def energy(self, x: Tensor) -> Tensor:
        return -x.flatten(1).sum(1)


def test_energies_are_told_of_the_data_and_of_all_samples(boots: Trial) -> None:
    dark, bright = boots.held * 0 - 1, boots.held * 0 + 0.5
    samples = {"dark": dark, "bright": bright}
    told = tell_energies(_Thinking(boots, dark), boots, samples)
    assert told["dark"] == pytest.approx(1)
    assert told["bright"] == pytest.approx(-0.5)
    assert told["data"] == pytest.approx(-float(boots.held[:16].mean()), abs=1e-5)
    assert tell_energies(Puppet(boots, dark), boots, samples) == {}


class TestFiles:
    def test_what_is_no_member_is_refused_in_one_sentence(
        self, boots: Trial, tmp_path: Path
    ) -> None:
        text, other, strange, cut = (tmp_path / f"{k}.safetensors" for k in range(4))
        text.write_text("hello")
        save_file({"a": torch.zeros(2)}, other)
        header = {"format": file.FORMAT, "method": "paper", "digest": "no", "numbers": "[0, 1, 2]"}
        save_file({"a": torch.zeros(2)}, strange, header)
        save_file({"a": torch.zeros(2)}, cut, {**header, "digest": boots.data.digest})
        for path in (text, other, strange, cut, tmp_path / "absent"):
            with pytest.raises(MemberRejected, match=r"^[^!?]*[;.][^!?]*\.$"):
                file.load(path, boots)


@pytest.mark.parametrize("kind", ["texture", "sound", "objects"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_goes_on_exactly_from_its_file(
    name: str, kind: Kind, boots: Trial, tmp_path: Path
) -> None:
    if why_not(name, kind):
        pytest.skip(why_not(name, kind))
    trial, path = boots if kind == "objects" else small_trial(kind), tmp_path / "run.safetensors"
    whole = METHODS[name].build(trial, 3)
    iterate(whole, 2)
    file.save(name, whole, path)
    found, resumed = file.load(path, trial)
    assert (found, resumed.iteration) == (name, whole.iteration)
    iterate(whole, 1)
    iterate(resumed, 1)
    one, other = (
        {key: t for key, t in member.tensors().items() if not key.startswith("prior/")}
        for member in (whole, resumed)
    )  # a flow is learnt beside, by a share of the time
    assert same(one, other)


@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_can_is_what_it_does(name: str, boots: Trial) -> None:
    member, can = METHODS[name].build(boots, 0), METHODS[name].can
    iterate(member, 1)
    made = member.sample(2, 1, boots.size)
    assert made.shape == (2, *boots.held.shape[1:])
    assert made.isfinite().all()
    rebuilt, saved = member.rebuild(boots.held[:2]), member.checkpoint()
    assert METHODS[name].model == (saved is not None)
    assert ("inference" in can) == (rebuilt is not None)
    if "bound" in can:
        assert member.energy(made) is not None
    if saved is not None:
        again = sampling.sample(saved.generator(), saved.prior(), 2, 1)
        assert again.shape == made.shape


def test_every_method_says_what_it_is() -> None:
    for method in METHODS.values():
        assert method.sentence.endswith(".")
        assert method.equation
        assert method.source
        assert all(sentence.endswith(".") for sentence in method.not_for.values())
    kinds = ("texture", "sound", "objects")
    assert all(sum(not why_not(name, kind) for name in METHODS) >= 2 for kind in kinds)
    assert methods.why_not("paper", "texture") == ""
