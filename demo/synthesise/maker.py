"""What the Synthesise tab makes of the current model: a preview, files, how to make it again."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter
from typing import IO

import numpy as np
import soxr
import torch
from torch import Tensor

from abp_core.data import rumble, sounds
from abp_core.data.atomic import open_atomically
from abp_core.data.pack import PackItem
from abp_core.synthesis import neighbours, outpainting, render
from abp_core.synthesis.encode import Facts
from abp_core.synthesis.render import Film, Picture, Sound
from abp_core.synthesis.request import NOUNS, Request
from demo import media
from demo.errors import Rejected
from demo.models import medium
from demo.models.collection import Model
from demo.models.downloads import slug
from demo.synthesise.form import Sent, request_from
from demo.synthesise.result import Progress, Result, ResultPanel

ROOT = Path(__file__).parents[2]  # from which the command line finds what is bundled
WAVE = (624, 280)  # pixels of a sound's picture

FRAMES_TOLD = 16  # of a film, after which it is said how far it is
WRITTEN = 0.6  # share of the time of a film after which it is made, and has to be written

_numbers = itertools.count(1)

COMPARED = 512  # pixels along a side of a texture beside which the original stands at first

Place = Callable[[str], Path]
Original = Callable[[], Tensor | None]


def synthesise(
    model: Model, sent: Sent, item: PackItem | None, original: Original, place: Place
) -> Iterator[Progress | Result]:
    """Makes what a page asked for, in steps; the last is what was made. item: the bundled data that
    the model learnt from, if it did. original: the texture (c, h, w) that it learnt from, where
    that is at hand. place: where a file of some name is written.
    Raises RequestRejected, FileRejected, Rejected, OSError."""
    if sent.get("kind") != model.kind:
        raise Rejected(f"The current model makes {NOUNS[model.kind]} now; please press Make again.")
    maker = _Maker(model, request_from(model, sent, item), item, original, place)
    makers = {
        "texture": maker.texture,
        "sound": maker.sound,
        "objects": maker.objects,
        "film": maker.film,
    }
    yield from makers[model.kind]()


class _Maker:
    """One request being met."""

    def __init__(
        self,
        model: Model,
        request: Request,
        item: PackItem | None,
        original: Original,
        place: Place,
    ) -> None:
        self.model, self.request, self.item = model, request, item
        self._original, self._place, self._begun = original, place, perf_counter()
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
        panels = [ResultPanel("Made", media.preview(pixels, repeats))]
        facts = {"Size": f"{picture.width} x {picture.height} pixels"}
        label, ending = "Download PNG", f"-tile-{tile}" if tile else ""
        if known is not None:
            panels = [
                ResultPanel("Grown", panels[0].picture),
                ResultPanel("From", media.preview(known.pixels)),
            ]
            facts["Inside"], ending = known.sentence(), "-grown"
        elif count == 1 and not tile:
            panels += self._beside(picture.width, picture.height)
        if count > 1:
            label, ending = "Download the sheet (PNG)", f"{ending}-sheet-of-{count}"
            facts["Seeds"] = f"{request.seed} to {request.seed + count - 1}, row by row"
        made = [(label, self._write(f"{ending}.png", Picture.of(pixels).write))]
        if count > 1:
            made.append(("Download each (ZIP)", self._write(f"{ending}.zip", self._each)))
        yield self._made(took, panels, facts, made, repeats)

    def _beside(self, width: int, height: int) -> list[ResultPanel]:
        """The middle of the original, as large as what was made of it if there is so much."""
        signal = self._original()
        if signal is None:
            return []
        tall, wide = signal.shape[1:]
        top, left = max(0, tall - height) // 2, max(0, wide - width) // 2
        cut = self.model.medium.draw(signal[:, top : top + height, left : left + width])
        breadth = cut.shape[1] / width
        return [ResultPanel("The original", media.preview(cut), breadth=breadth)]

    def sound(self) -> Iterator[Progress | Result]:
        yield Progress("Making the sound", 0.0)
        source, request = self.model.saved.source, self.request
        samples = render.sound(self.model.generator, self.model.prior, source, request).samples()
        took, rate, loop = self._took(), source.sample_rate, request.tile is not None
        original = _read_original(self.item.path, rate) if self.item else samples[:0]
        drawn = min(len(samples), len(original) or len(samples))  # the same stretch of time
        stretch = "" if drawn == len(samples) else f"; the picture shows {drawn / rate:.1f} s"
        new = _draw_wave(samples[:drawn], rate)
        panels = [ResultPanel("Made" + stretch, new, media.wav_url(samples, rate), loop=loop)]
        if self.item:
            wave = _draw_wave(original[:drawn], rate)
            panels.append(ResultPanel("The original", wave, media.wav_url(original, rate)))
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

    def film(self) -> Iterator[Progress | Result]:
        source, request = self.model.saved.source, self.request
        film = render.film(self.model.generator, self.model.prior, source, request)
        frames: list[media.Pixels] = []
        for frame in film.frames:
            frames.append(frame)
            if len(frames) % FRAMES_TOLD == 0:
                yield Progress(*self._of_film(len(frames), film.count))
        path = self._write(".mp4", self._encoded(film, frames))
        took = self._took()
        shown = media.file_url(Path(path).read_bytes(), "video/mp4")
        panels = [ResultPanel("Made", media.jpeg_url(frames[0], 92), film=shown)]
        length = f"{film.count / film.rate:.2f}".rstrip("0").rstrip(".")
        facts = {"Length": f"{length} s, {film.count} frames at {film.rate:.4g} a second"}
        if request.size:
            facts["Size"] = "{} x {} pixels".format(*request.size)
        if request.tile:
            facts["Loop"] = "without a seam"
        else:
            facts["Begins"] = "anywhere" if request.anew else "where the film ended"
        if request.speed != 1:
            facts["Speed"] = f"{request.speed:g} x"
        if request.windows and request.windows > 1:
            facts["Parts"] = f"{request.windows} x {request.windows}, each with its own way in time"
        first = self._made(took, panels, facts, [("Download MP4", path)])
        yield first  # to be looked at while it is written in another way
        webp = self._encoded(film, frames, ".webp")
        files = (*first.files, ("Download WebP", self._write(".webp", webp)))
        yield dataclasses.replace(first, files=files)

    def _of_film(self, done: int, count: int) -> tuple[str, float]:
        """How far a film is, in words and as a share."""
        left = self._took() * (count / (WRITTEN * done) - 1)
        words = f"Making the film: {done} of {count} frames"
        return f"{words}, about {left:.0f} s left" if left >= 1 else words, WRITTEN * done / count

    def _encoded(
        self, film: Film, frames: list[media.Pixels], ending: str = ".mp4"
    ) -> Callable[[IO[bytes], Facts], None]:
        """What writes the frames of a film."""
        return partial(dataclasses.replace(film, frames=iter(frames)).write, ending)

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
            about["Codes"] = "from N(0, I), as in the paper"
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
            compared=request.size is not None and max(request.size) <= COMPARED,
            facts=tuple(about.items()),
            command=request.command(model.command_path, Path(made[0][1]).name),
            files=tuple(made),
        )


@lru_cache(maxsize=8)
def _read_original(path: Path, rate: int) -> media.Samples:
    """A clip as a model at that rate hears it, at its own level."""
    samples, own = sounds.read_sound(path)
    if own != rate:
        samples = soxr.resample(samples, own, rate).astype(np.float32)
    return rumble.remove(samples, rate)


def _draw_wave(samples: media.Samples, rate: int) -> str:
    return media.jpeg_url(medium.Sound(rate).draw(torch.from_numpy(samples)[None], WAVE))
