"""What a visitor takes home of a run: its model, and new samples, as files."""

from pathlib import Path

from abp_core.checkpoint import Checkpoint
from abp_core.data.atomic import open_atomically
from abp_core.device import this_machine
from abp_core.synthesis import render
from abp_core.synthesis.request import Request

SEED_OF_SAMPLES = 1  # the same latents all the time, so that one sees the model change


def slug(name: str) -> str:
    """A name as the beginning of a file's name."""
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:40] or "model"


def model_file(name: str, saved: Checkpoint) -> str:
    """What the file of a model is called that was learnt from data of that name."""
    return f"{slug(name)}-{saved.iteration}.safetensors"


def samples_file(name: str, saved: Checkpoint) -> str:
    """What the file of its samples is called."""
    ending = {"sound": "wav", "film": "mp4"}.get(saved.source.kind, "png")
    return f"{slug(name)}-{saved.iteration}-samples.{ending}"


def write_samples(saved: Checkpoint, path: Path, model: str) -> None:
    """New sound, a new texture, a sheet of new pictures or how a film goes on: what the command
    line makes of the file called `model` unless told otherwise, with that command.
    Raises OSError."""
    generator, prior = saved.generator(this_machine().device), saved.prior()
    source = saved.source
    request = Request(seed=SEED_OF_SAMPLES).fit(
        generator.spec, source.sample_rate or source.frame_rate
    )
    facts = render.facts(saved, request, model, path.name)
    with open_atomically(path) as file:
        if source.kind == "sound":
            render.sound(generator, prior, source, request).write(path.suffix, file, facts)
        elif source.kind == "film":
            render.film(generator, prior, source, request).write(path.suffix, file, facts)
        elif source.kind == "texture":
            render.texture(generator, prior, request).write(file, facts)
        else:
            render.objects(generator, prior, request).write(file, facts)
