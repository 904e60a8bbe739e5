"""What is made of a request, against what the network makes of the latents directly."""

import dataclasses
import io
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from abp_core.checkpoint import Checkpoint
from abp_core.generator import Generator
from abp_core.priors import known as given
from abp_core.priors.exemplar import Exemplar
from abp_core.priors.fields import LatentMap
from abp_core.priors.flow import Flow
from abp_core.priors.kinds import Prior
from abp_core.priors.normal import Normal
from abp_core.synthesis import raster, render, sampling, sounding
from abp_core.synthesis.outpainting import Outpainting
from abp_core.synthesis.request import Request
from abp_core.trainer import Trainer
from tests.tiny import FP32, NETWORKS, WHOLE, dataset, training, whole_run

UNIT = 4  # pixels a position of the texture
GENERATORS = {kind: Generator(spec).requires_grad_(False) for kind, spec in NETWORKS.items()}
PRIORS = {kind: Normal(spec.latent_shape) for kind, spec in NETWORKS.items()}


@pytest.fixture(scope="module")
def saved() -> Checkpoint:
    network = NETWORKS["texture"]
    trainer = Trainer(training(network), dataset(network), machine=FP32)
    list(trainer.steps(1))
    return trainer.checkpoint()


def texture(**asked: object) -> render.Picture:
    request = Request(**asked).fit(NETWORKS["texture"])  # type: ignore[arg-type]
    return render.texture(GENERATORS["texture"], PRIORS["texture"], request)


def pixels(**asked: object) -> np.ndarray:  # type: ignore[type-arg]
    picture = texture(**asked)
    made = picture.pixels()
    assert made.shape == (picture.height, picture.width, 3)
    return made


def off(a: np.ndarray, b: np.ndarray) -> int:  # type: ignore[type-arg]
    """Levels by which two pictures differ at most."""
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b).max())


def test_a_larger_picture_of_the_same_seed_continues_a_smaller_one() -> None:
    small, large = pixels(size=(301, 77), seed=3), pixels(size=(600, 400), seed=3)
    assert off(small, large[:77, :301]) <= 1
    assert off(small, pixels(size=(301, 77), seed=4)) > 1


@pytest.mark.parametrize("tile", ["x", "y", "xy"])
def test_a_tile_is_one_period_of_a_picture_without_a_seam(tile: str) -> None:
    """Laid out two by two it equals a rendering over two periods, seams and all."""
    width, height = 20, 28
    periods = (height // UNIT if "y" in tile else 0, width // UNIT if "x" in tile else 0)
    latents = PRIORS["texture"].map(2, periods=periods)
    twice = (1 + ("y" in tile), 1 + ("x" in tile))
    size = (twice[0] * height, twice[1] * width)
    rendered = raster.pixels(sampling.generate_field(GENERATORS["texture"], latents, size))[0]
    tiled, plain = (
        np.tile(pixels(size=(width, height), tile=way, seed=2), (*twice, 1)) for way in (tile, None)
    )
    assert off(tiled, rendered) <= 1
    assert off(plain, rendered) > 1, "what is no tile has a seam"


def test_a_batch_is_a_sheet_of_the_seeds_that_follow() -> None:
    sheet = pixels(size=(30, 20), count=5, seed=7)
    assert sheet.shape == (2 * 20 + render.GAP, 3 * 30 + 2 * render.GAP, 3)
    for k in range(5):
        top, left = (k // 3) * (20 + render.GAP), (k % 3) * (30 + render.GAP)
        assert off(sheet[top : top + 20, left : left + 30], pixels(size=(30, 20), seed=7 + k)) <= 1
    assert (sheet[20 : 20 + render.GAP] == 255).all()
    assert (sheet[20 + render.GAP :, 2 * (30 + render.GAP) :] == 255).all()


def test_one_by_one_they_are_the_pictures_of_their_seeds(saved: Checkpoint) -> None:
    request = Request(size=(30, 20), count=3, seed=7).fit(NETWORKS["texture"])
    file = io.BytesIO()
    own = (GENERATORS["texture"], PRIORS["texture"])
    render.write_each(file, saved, *own, request, "m.safetensors")
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["seed-7.png", "seed-8.png", "seed-9.png"]
        with Image.open(io.BytesIO(archive.read("seed-8.png"))) as picture:
            assert picture.info["Seed"] == "8"
            assert picture.info["Command"].endswith("--out seed-8.png --size 30x20 --seed 8")
            assert off(np.asarray(picture), pixels(size=(30, 20), seed=8)) <= 1


def test_the_temperature_is_the_variance_of_the_latents() -> None:
    latents = Normal(NETWORKS["texture"].latent_shape, 0.25).map(1)
    cool = raster.pixels(sampling.generate_field(GENERATORS["texture"], latents, (20, 30)))[0]
    assert off(pixels(size=(30, 20), seed=1, temperature=0.25), cool) <= 1
    still = pixels(size=(30, 20), seed=1, temperature=0)
    assert off(still, pixels(size=(30, 20), seed=2, temperature=0)) == 0


def test_what_grows_keeps_what_it_grew_from_beyond_reach() -> None:
    """Other latents outside change the picture's border alone, and only within reach."""
    generator, reach = GENERATORS["texture"], NETWORKS["texture"].reach
    z = torch.randn(3, 2 * reach + 4, 2 * reach + 5, generator=torch.Generator().manual_seed(0))
    size = tuple(n * UNIT for n in z.shape[1:])
    picture = np.zeros((*size, 3), np.uint8)
    everything = torch.ones(z.shape[1:], dtype=torch.bool)

    def grown(seed: int, rebuilt: bool) -> np.ndarray:  # type: ignore[type-arg]
        request = Request(grow=Path("x"), margin=8, rebuilt=rebuilt).fit(generator.spec)
        around = PRIORS["texture"].map(seed, known=given.Known(z, everything, (2, 2)))
        known = Outpainting(picture, around, 0, 0.0)
        made = render.texture(generator, PRIORS["texture"], request, known)
        assert (made.height, made.width) == (size[0] + 16, size[1] + 16)
        return made.pixels()

    a, b = grown(0, True), grown(1, True)
    far = 8 + reach * UNIT
    assert off(a[far:-far, far:-far], b[far:-far, far:-far]) <= 1
    assert off(a, b) > 1
    alone = generator(z[None])[..., reach * UNIT : -reach * UNIT, reach * UNIT : -reach * UNIT]
    assert off(a[far:-far, far:-far], raster.pixels(alone)[0]) <= 1
    laid = grown(0, False)
    soft = 8 + render.SOFT
    assert not laid[soft:-soft, soft:-soft].any(), "the picture itself"
    assert off(laid[:8], a[:8]) == 0


def test_objects_stand_beside_their_nearest_examples() -> None:
    generator = GENERATORS["objects"]
    request = Request(count=5, seed=3).fit(generator.spec)
    prior = PRIORS["objects"]
    signals = sampling.sample(generator, prior, 5, 3)
    plain = render.objects(generator, prior, request)
    assert off(plain.pixels(), sampling.contact_sheet(sampling.pixels(signals), 3)) <= 1
    examples = torch.cat([signals.flip(0) + 0.01, torch.ones(2, *signals.shape[1:])])
    found = render.find_nearest(generator, prior, request, examples)
    torch.testing.assert_close(found.pictures, signals + 0.01, rtol=0, atol=1e-5)
    picture = render.objects(generator, prior, request, found)
    sheet = picture.pixels()
    side = signals.shape[-1]
    assert sheet.shape == (picture.height, picture.width, 3)
    assert sheet.shape == (3 * side, 2 * 2 * side + render.GAP, 3)
    pair = np.hstack(sampling.pixels(torch.stack([signals[4], found.pictures[4]])))  # type: ignore[call-overload]
    assert off(sheet[2 * side :, : 2 * side], pair) <= 1
    assert (sheet[2 * side :, 2 * side :] == 255).all()


def test_a_sound_continues_a_shorter_one_and_a_loop_has_no_seam() -> None:
    generator, unit = GENERATORS["sound"], NETWORKS["sound"].enlargement
    source = dataset(NETWORKS["sound"]).source

    def samples(seconds: float, tile: str | None = None) -> np.ndarray:  # type: ignore[type-arg]
        request = Request(seconds=seconds, seed=5, tile=tile).fit(generator.spec, 16_000)
        sound = render.sound(generator, PRIORS["sound"], source, request)
        made = sound.samples()
        assert len(made) == round(seconds * 16_000)
        return made

    np.testing.assert_allclose(samples(0.5)[:3333], samples(3333 / 16_000), atol=1e-6)
    loop = samples(7 * unit / 16_000, "x")
    twice = PRIORS["sound"].map(5, periods=(7,))
    longer = sounding.draw(generator, twice, 14 * unit, 16_000)[0].numpy()
    np.testing.assert_allclose(np.tile(loop, 2), longer, atol=1e-6)


def test_a_sound_of_one_length_is_a_sample() -> None:
    generator = GENERATORS["vector sound"]
    source = dataset(NETWORKS["vector sound"]).source
    request = Request(seed=2, temperature=0.5).fit(generator.spec, 16_000)
    made = render.sound(generator, PRIORS["vector sound"], source, request).samples()
    cool = Normal(generator.spec.latent_shape, 0.5)
    expected = sounding.audible(sampling.sample(generator, cool, 1, 2)[0, 0], 16_000).numpy()
    np.testing.assert_allclose(made, expected, atol=1e-6)


def exemplar() -> Exemplar:
    z = torch.randn(4, 24, 24, generator=torch.Generator().manual_seed(3))
    return Exemplar.of(z + z.roll(1, 1), (12, 12))


class TestPriorOfARequest:
    SPEC = WHOLE["texture"]

    def test_the_papers_is_as_warm_as_was_asked(self) -> None:
        flow = Flow.from_tensors(
            {name: torch.ones(shape) for name, shape in Flow.shapes(6).items()}
        )
        for own, spec in ((exemplar(), self.SPEC), (flow, NETWORKS["objects"])):
            cool = render.choose_prior(own, spec, Request(paper=True, temperature=0.5))
            assert cool == Normal(spec.latent_shape, 0.5)
        own = Normal(self.SPEC.latent_shape)
        for paper in (False, True):
            request = Request(paper=paper, temperature=2.0)
            assert render.choose_prior(own, self.SPEC, request) == Normal(
                self.SPEC.latent_shape, 2.0
            )

    def test_an_exemplar_departs_as_far_as_was_asked_and_knows_no_temperature(self) -> None:
        own = exemplar()
        asked = render.choose_prior(own, self.SPEC, Request(novelty=0.25, temperature=0.5))
        assert isinstance(asked, Exemplar)
        assert (asked.novelty, asked.extent) == (0.25, own.extent)
        assert asked.scales is own.scales
        assert own.novelty == 1, "the model's own stays"

    def test_a_flow_is_as_it_is(self) -> None:
        own = Flow.from_tensors({name: torch.ones(n) for name, n in Flow.shapes(6).items()})
        request = Request(novelty=0.25, temperature=0.5)
        assert render.choose_prior(own, NETWORKS["objects"], request) is own


class TestWhatIsMadeOfAnExemplar:
    GENERATOR = Generator(WHOLE["texture"]).requires_grad_(False)

    def made(self, own: Prior, **asked: object) -> np.ndarray:  # type: ignore[type-arg]
        request = Request(seed=3, **asked).fit(self.GENERATOR.spec)  # type: ignore[arg-type]
        return render.texture(self.GENERATOR, own, request).pixels()

    def cut(self, latents: LatentMap, size: tuple[int, int]) -> np.ndarray:  # type: ignore[type-arg]
        return raster.pixels(sampling.generate_field(self.GENERATOR, latents, size))[0]

    def test_a_texture_is_its_map_through_the_network(self) -> None:
        own = exemplar()
        found = self.made(own, size=(72, 64))
        assert off(found, self.cut(own.map(3), (64, 72))) == 0
        paper = self.made(own, size=(72, 64), paper=True)
        assert off(paper, self.cut(Normal((4, 12, 12)).map(3), (64, 72))) == 0
        near = self.made(own, size=(72, 64), novelty=0.2)
        assert off(near, self.cut(dataclasses.replace(own, novelty=0.2).map(3), (64, 72))) == 0
        assert off(near, found) > 1
        assert off(paper, found) > 1

    def test_a_tile_has_no_seam(self) -> None:
        own = exemplar()
        tiled = self.made(own, size=(96, 112), tile="xy")
        whole = self.cut(own.map(3, periods=(14, 12)), (224, 192))
        assert off(np.tile(tiled, (2, 2, 1)), whole) <= 1

    def test_a_sound_is_its_line_through_the_network(self) -> None:
        generator = Generator(WHOLE["sound"]).requires_grad_(False)
        z = torch.randn(4, 90, generator=torch.Generator().manual_seed(3))
        own = Exemplar.of(z, (24,))
        request = Request(seconds=0.25, seed=6).fit(generator.spec, 16_000)
        source = dataset(NETWORKS["sound"]).source
        found = render.sound(generator, own, source, request).samples()
        expected = sounding.draw(generator, own.map(6), 4000, 16_000)
        assert np.array_equal(found, sampling.samples(expected, source.gain))

    def test_a_picture_grows_by_the_models_own_prior_or_the_papers(self, tmp_path: Path) -> None:
        saved = whole_run("texture", 1)
        own, generator = saved.prior(), saved.generator()
        Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(tmp_path / "x.png")
        for paper in (False, True):
            request = Request(grow=tmp_path / "x.png", margin=32, seed=5, paper=paper)
            fitted = request.fit(generator.spec)
            known = next(render.infer_picture(saved, generator, own, fitted))
            prior = Normal((4, 12, 12)) if paper else own
            found = known.latents.part((2, 2), (12, 12))
            assert torch.equal(found, prior.map(5).part((2, 2), (12, 12))), "where it starts"


def test_facts_tell_how_to_make_it_again(saved: Checkpoint) -> None:
    request = Request(seed=3).fit(NETWORKS["texture"])
    facts = render.facts(saved, request, "m.safetensors", "x.png")
    assert facts["Model"] == "made, iteration 1"
    assert facts["Command"] == request.command("m.safetensors", "x.png")


def test_what_is_kept_whole_can_be_written_again() -> None:
    made = pixels(size=(30, 20))
    again = render.Picture.of(made)
    assert (again.width, again.height) == (30, 20)
    assert np.array_equal(again.pixels(), made)
    sound = np.linspace(-1, 1, 7, dtype=np.float32)
    assert np.array_equal(render.Sound.of(sound, 16_000).samples(), sound)
    assert math.isclose(sound[0], -1)
