"""What the Synthesise tab makes of the current model: a preview, files, how to make it again."""

import base64
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import numpy as np
import soxr

from abp_core.data import decode
from abp_core.data.atomic import open_atomically
from abp_core.data.pack import PackItem
from abp_core.synthesis import encode, neighbours, outpainting, render, sampling
from abp_core.synthesis.encode import Facts
from abp_core.synthesis.render import Picture, Sound
from abp_core.synthesis.request import NOUNS, Request
from demo import limits, media
from demo.workbench.downloads import slug
from demo.workbench.errors import Rejected
from demo.workbench.models import Model
from demo.workbench.synthesis_form import Sent, read_basics, request_from, to_whole

ROOT = Path(__file__).parents[2]  # from which the command line finds what is bundled
WAVE = (624, 280)  # pixels of a sound's picture

_numbers = itertools.count(1)

Place = Callable[[str], Path]
Files = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: a sentence, and the share that is done."""

    sentence: str
    share: float


@dataclass(frozen=True, slots=True)
class ResultPanel:
    """A picture as a data URL, with a sound (a data URL, or the path of a file) where there is
    one. loop: whether it is to be played again and again."""

    caption: str
    picture: str
    sound: str = ""
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was made. number: tells works apart. repeats: how often the first picture shows it,
    across and down. command: the line that makes it again. files: labels and paths."""

    number: int
    kind: str
    headline: str
    detail: str
    panels: tuple[ResultPanel, ...]
    repeats: tuple[int, int] = (1, 1)
    facts: tuple[tuple[str, str], ...]
    command: str
    files: Files


def synthesise(
    model: Model, sent: Sent, item: PackItem | None, place: Place
) -> Iterator[Progress | Result]:
    """Makes what a page asked for, in steps; the last is what was made. item: the bundled data that
    the model learnt from, if it did. place: where a file of some name is written.
    Raises RequestRejected, FileRejected, Rejected, OSError."""
    if sent.get("kind") != model.kind:
        raise Rejected(f"The current model makes {NOUNS[model.kind]} now; please press Make again.")
    maker = _Maker(model, request_from(model, sent, item), item, place)
    makers = {"texture": maker.texture, "sound": maker.sound, "objects": maker.objects}
    yield from makers[model.kind]()


def chunk(model: Model, sent: Sent) -> dict[str, Any]:
    """Two seconds or so of a sound that never ends, as 16-bit samples in base64.
    Raises RequestRejected, Rejected."""
    spec, source = model.generator.spec, model.saved.source
    if model.kind != "sound" or not spec.spatial:
        raise Rejected("This model makes no sound that could go on for ever.")
    request, k = Request(**read_basics(model, sent)), to_whole(sent.get("k"))
    if type(k) is not int or not 0 <= k < 2**40:
        raise Rejected("This page has lost its place; please reload it.")
    n = max(1, round(limits.CHUNK_SECONDS * source.sample_rate / spec.enlargement))
    prior = render.choose_prior(model.prior, spec, request)
    latents = prior.map(request.seed)
    signal = sampling.piece(model.generator, latents, (k * n,), ((k + 1) * n,))
    samples = encode.to_int16(sampling.samples(signal[0], source.gain)).astype("<i2")
    return {"rate": source.sample_rate, "samples": base64.b64encode(samples.tobytes()).decode()}


class _Maker:
    """One request being met."""

    def __init__(self, model: Model, request: Request, item: PackItem | None, place: Place) -> None:
        self.model, self.request, self.item = model, request, item
        self._place, self._begun = place, perf_counter()
        # With paths as whoever repeats the command has them.
        self._told = dataclasses.replace(
            request,
            grow=request.grow and Path(request.grow.name),
            nearest=request.nearest and request.nearest.relative_to(ROOT),
        )

    def texture(self) -> Iterator[Progress | Result]:
        model, request, known = self.model, self.request, None
        if request.grow:
            for known in render.infer_picture(model.saved, model.generator, model.prior, request):
                share = known.step / outpainting.INFERENCE_STEPS
                yield Progress(f"Inferring what the picture is made of: {share:.0%}", share)
        picture = render.texture(model.generator, model.prior, request, known)
        strips, rows = [], 0
        for strip in picture.strips:
            strips.append(strip)
            rows += len(strip)
            yield Progress("Making the picture", rows / picture.height)
        pixels, took = np.concatenate(strips), self._took()
        count, tile = request.count or 1, request.tile or ""
        repeats = (1 + ("x" in tile), 1 + ("y" in tile))
        panels = [ResultPanel("New", media.preview(pixels, repeats))]
        facts = {"Size": f"{picture.width} x {picture.height} pixels"}
        label, ending = "Download PNG", f"-tile-{tile}" if tile else ""
        if known is not None:
            panels = [
                ResultPanel("Grown", panels[0].picture),
                ResultPanel("From", media.preview(known.pixels)),
            ]
            facts["Inside"], ending = known.sentence(), "-grown"
        if count > 1:
            label, ending = "Download the sheet (PNG)", f"{ending}-sheet-of-{count}"
            facts["Seeds"] = f"{request.seed} to {request.seed + count - 1}, row by row"
        made = [(label, self._write(f"{ending}.png", Picture.of(pixels).write))]
        if count > 1:
            made.append(("Download each (ZIP)", self._write(f"{ending}.zip", self._each)))
        yield self._made(took, panels, facts, made, repeats)

    def sound(self) -> Iterator[Progress | Result]:
        yield Progress("Making the sound", 0.0)
        source, request = self.model.saved.source, self.request
        samples = render.sound(self.model.generator, self.model.prior, source, request).samples()
        took, rate, loop = self._took(), source.sample_rate, request.tile is not None
        original = _read_original(self.item.path, rate) if self.item else samples[:0]
        drawn = min(len(samples), len(original) or len(samples))  # the same stretch of time
        stretch = "" if drawn == len(samples) else f"; the picture shows {drawn / rate:.1f} s"
        new = _draw_wave(samples[:drawn], rate)
        panels = [ResultPanel("New" + stretch, new, media.wav_url(samples, rate), loop)]
        if self.item:
            panels.append(
                ResultPanel("The original", _draw_wave(original[:drawn], rate), str(self.item.path))
            )
        length = f"{len(samples) / rate:.3f}".rstrip("0").rstrip(".")
        facts = {
            "Length": f"{length} s, {'the nearest without a seam, ' if loop else ''}at {rate:,} Hz",
            "Speed": f"{len(samples) / rate / took:.0f} x real time",
        }
        made = []
        for kind in (".wav", ".flac"):
            write = partial(Sound.of(samples, rate).write, kind)
            name = f"{'-loop' if loop else ''}{kind}"
            made.append((f"Download {kind[1:].upper()}", self._write(name, write)))
        yield self._made(took, panels, facts, made)

    def objects(self) -> Iterator[Progress | Result]:
        yield Progress("Making the pictures", 0.0)
        model, request, found = self.model, self.request, None
        if request.nearest:
            examples = neighbours.examples(model.saved, request.nearest)
            found = render.find_nearest(model.generator, model.prior, request, examples)
        pixels, took = (
            render.objects(model.generator, model.prior, request, found).pixels(),
            self._took(),
        )
        side = model.generator.spec.signal_shape[-1]
        facts = {"Pictures": f"{request.count}, each {side} pixels wide"}
        caption, ending = "New", f"-sheet-of-{request.count}"
        if found is not None:
            caption = "In pairs: a new one, and the training example that is nearest to it"
            facts["Copying?"], ending = found.sentence(), f"{ending}-nearest"
        made = [("Download PNG", self._write(f"{ending}.png", Picture.of(pixels).write))]
        yield self._made(took, [ResultPanel(caption, media.preview(pixels))], facts, made)

    def _took(self) -> float:
        return max(perf_counter() - self._begun, 1e-6)

    def _write(self, ending: str, write: Callable[[IO[bytes], Facts], None]) -> str:
        """Path of a file of the visitor's. Raises OSError."""
        model, request = self.model, self._told
        path = self._place(f"{slug(model.name)}-seed-{request.seed}{ending}")
        with open_atomically(path) as file:
            write(file, render.facts(model.saved, request, model.command_path, path.name))
        return str(path)

    def _each(self, file: IO[bytes], _: Facts) -> None:
        model = self.model
        own = (model.saved, model.generator, model.prior)
        render.write_each(file, *own, self.request, model.command_path)

    def _made(
        self,
        took: float,
        panels: list[ResultPanel],
        facts: dict[str, str],
        made: list[tuple[str, str]],
        repeats: tuple[int, int] = (1, 1),
    ) -> Result:
        model, request = self.model, self._told
        about = {
            "Model": f"{model.label}, iteration {model.saved.iteration}",
            "Seed": str(request.seed),
            **facts,
        }
        if request.paper:
            about["Latents"] = "from N(0, I), as in the paper"
        if request.temperature != 1:
            about["Temperature"] = f"{request.temperature:g}"
        if request.novelty != 1:
            about["Novelty"] = f"{request.novelty:g}"
        return Result(
            number=next(_numbers),
            kind=model.kind,
            headline=model.label.capitalize(),
            detail=f"made in {took:.2f} s",
            panels=tuple(panels),
            repeats=repeats,
            facts=tuple(about.items()),
            command=request.command(model.command_path, Path(made[0][1]).name),
            files=tuple(made),
        )


@lru_cache(maxsize=8)
def _read_original(path: Path, rate: int) -> media.Samples:
    """A clip at a model's rate, at its own level."""
    samples, own = decode.read_sound(path)
    return samples if own == rate else soxr.resample(samples, own, rate).astype(np.float32)


def _draw_wave(samples: media.Samples, rate: int) -> str:
    return media.jpeg_url(media.sound_picture(samples, rate, *WAVE))
