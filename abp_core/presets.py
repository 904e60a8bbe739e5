"""Named settings: the paper's as published, and ours, which a visitor can wait for."""

import dataclasses
from dataclasses import dataclass

from abp_core.spec import GeneratorSpec, LangevinSpec, TrainingSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """training: the settings, before they are fitted to the data's size and channels.
    sample_rate: at which sounds are learnt. sentence: what sets it apart, for the user."""

    training: TrainingSpec
    sentence: str
    sample_rate: int = 16_000


def _papers_walk(steps: int, step_size: float) -> LangevinSpec:
    """As published, shortened where it has to be: with our initial weights, and misfits summed
    over all of a picture, every chain would run away with the published step itself."""
    return LangevinSpec(steps=steps, step_size=step_size, acceptance=0.5)


def _paper_objects(d: int) -> TrainingSpec:
    """Experiments 3, 5, 6 and 7: a fully connected layer, then the texture network."""
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(d,),
            projection=(512, 4, 4),
            channels=(256, 128, 64),
            kernel_size=5,
            upsampling=2,
            out_channels=3,
            leak=0.2,
        ),
        langevin=_papers_walk(30, 0.3),
        sigma=0.3,
        learning_rate=1e-4,
        batch_size=100,
        examples=1000,
    )


def _texture(width: int) -> TrainingSpec:
    """One chain over the whole picture, 32 numbers every 8 pixels, that explain it: inference in
    a metric at a low temperature. Nothing is asked of samples; their prior is learnt from what was
    inferred. Several small windows an iteration, since what one window teaches unteaches others."""
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(32, 20, 20),
            margins=True,
            channels=(2 * width, width),
            kernel_size=5,
            upsampling=2,
            out_channels=3,
        ),
        langevin=LangevinSpec(steps=3, step_size=0.4, temperature=0.1, preconditioned=True),
        sigma=0.3,
        learning_rate=1e-3,
        halved_after=200,
        batch_size=6,
        examples=1,
        window=6,
        prior="exemplar",
    )


def _sound(width: int) -> TrainingSpec:
    """One chain over the whole sound, 64 numbers every 4 ms, since the noise of rain and streams
    says something new at every moment; a small sigma, since hiss is heard where it is silent."""
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(64, 260),
            margins=True,
            channels=(2 * width, width),
            kernel_size=9,
            upsampling=4,
            out_channels=1,
        ),
        langevin=LangevinSpec(steps=3, step_size=0.4, temperature=0.1, preconditioned=True),
        sigma=0.1,
        learning_rate=1e-3,
        halved_after=200,
        batch_size=6,
        examples=1,
        window=64,
        prior="exemplar",
    )


def _objects(width: int, d: int, sigma: float = 0.6) -> TrainingSpec:
    """Inference in a metric, and a second loss of the patches of samples. A large sigma: with a
    small one the latents of training pictures say more than those of others can."""
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(d,),
            projection=(4 * width, 4, 4),
            channels=(4 * width, 2 * width, width),
            kernel_size=5,
            upsampling=2,
            out_channels=3,
            leak=0.2,
        ),
        langevin=LangevinSpec(steps=3, step_size=2.0, acceptance=0.5, preconditioned=True),
        sigma=sigma,
        learning_rate=1e-3,
        sample_loss_rate=5e-4,
        halved_after=1000,
        batch_size=32,
        examples=1500,
        standardised=True,
        components=True,
    )


def _film(channels: int, side: int) -> TrainingSpec:
    """A latent map for every frame, which begins where the principal components of the frame's
    blocks are, so that what moves little in the film moves little in its latents; one every four
    pixels, since with one every eight what is small moves too little. Nothing is asked of samples:
    new films are made of windows of what was inferred. Cold, and with a small sigma, since what
    noise puts into the latents of a frame flickers where little moves. channels, side: of the
    latent map."""
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(channels, side, side),
            channels=(32,),
            kernel_size=5,
            upsampling=2,
            out_channels=3,
            moving=True,
        ),
        langevin=LangevinSpec(steps=1, step_size=0.4, temperature=0.01, preconditioned=True),
        sigma=0.05,
        learning_rate=3e-3,
        halved_after=400,
        batch_size=4,
        examples=300,
        components=True,
        prior="windows",
    )


def _vector_film(width: int, langevin: LangevinSpec, learning_rate: float) -> TrainingSpec:
    """Experiment 4: 20 numbers a frame, and a linear motion of these."""
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(20,),
            projection=(4 * width, 8, 8),
            channels=(4 * width, 2 * width, width),
            kernel_size=5,
            upsampling=2,
            out_channels=3,
            leak=0.2,
            moving=True,
        ),
        langevin=langevin,
        sigma=0.3,
        learning_rate=learning_rate,
        batch_size=16,
        examples=300,
        components=True,
        prior="linear",
    )


def _driven_film(width: int) -> TrainingSpec:
    """20 numbers a frame and a network that leads from each to the next, driven by noise, which is
    what is inferred."""
    langevin = LangevinSpec(steps=1, step_size=0.7, temperature=0.1, preconditioned=True)
    spec = _vector_film(width, langevin, 3e-3)
    return dataclasses.replace(
        spec,
        generator=dataclasses.replace(spec.generator, transition=64),
        halved_after=400,
        batch_size=4,
        standardised=True,
        prior="transition",
        stretch=8,
    )


PRESETS: dict[str, Preset] = {
    "quick-texture": Preset(
        training=_texture(24), sentence="A small network: something to look at in a minute."
    ),
    "texture": Preset(
        training=_texture(48),
        sentence="One latent map that explains the whole picture; the default.",
    ),
    "quick-sound": Preset(
        training=_sound(24), sentence="A small network: something to hear in a minute."
    ),
    "sound": Preset(
        training=_sound(48),
        sentence="One line of latents that explains the whole sound; the default.",
    ),
    "quick-objects": Preset(
        training=_objects(16, 20),
        sentence="A small network and 20 numbers a picture: something to look at in a minute.",
    ),
    "objects": Preset(training=_objects(32, 20), sentence="20 numbers a picture; the default."),
    "quick-film": Preset(
        training=_film(10, 24), sentence="At 96 x 96 pixels: something that moves in half a minute."
    ),
    "film": Preset(
        training=_film(16, 32),
        sentence="A latent map for every frame; goes on by windows of them; the default.",
    ),
    "linear-film": Preset(
        training=dataclasses.replace(
            _vector_film(
                16,
                LangevinSpec(
                    steps=2, step_size=0.4, temperature=0.1, acceptance=0.5, preconditioned=True
                ),
                3e-3,
            ),
            sigma=0.1,
            batch_size=8,
            halved_after=400,
        ),
        sentence="20 numbers a frame, each from the one before by a matrix and noise.",
    ),
    "transition-film": Preset(
        training=_driven_film(16),
        sentence="20 numbers a frame, each from the one before by a network, learnt with f.",
    ),
    "plane": Preset(
        training=_objects(32, 2, sigma=0.3),
        sentence="Two numbers a picture, so that all it can make lies on a plane; for some dozen.",
    ),
    "paper-texture": Preset(
        training=TrainingSpec(
            generator=GeneratorSpec(
                latent_shape=(1, 7, 7),
                channels=(512, 256, 128, 64),
                kernel_size=5,
                upsampling=2,
                out_channels=3,
            ),
            langevin=_papers_walk(10, 0.1),
            sigma=0.3,
            learning_rate=1e-4,
            batch_size=1,
            examples=1,
        ),
        sentence="The paper's experiment 1: 49 numbers for one picture of 224 x 224. Slow.",
    ),
    "paper-sound": Preset(
        training=TrainingSpec(
            generator=GeneratorSpec(
                latent_shape=(1, 6),
                channels=(256, 128, 64),
                kernel_size=25,
                upsampling=10,
                out_channels=1,
            ),
            langevin=_papers_walk(10, 0.1),
            sigma=0.3,
            learning_rate=1e-4,
            batch_size=1,
            examples=1,
        ),
        sample_rate=11_025,
        sentence="The paper's experiment 2: six numbers for 5.4 s of sound. Slow.",
    ),
    "paper-objects": Preset(
        training=_paper_objects(2),
        sentence="The paper's experiment 3: two numbers a picture. Slow.",
    ),
    "paper-film": Preset(
        training=dataclasses.replace(
            _vector_film(64, _papers_walk(30, 0.3), 1e-4), components=False
        ),
        sentence="The paper's experiment 4: 20 numbers a frame and a linear motion. Slow.",
    ),
    "paper-faces": Preset(
        training=_paper_objects(100),
        sentence="The paper's settings for faces: 100 numbers a picture. Slow.",
    ),
}
