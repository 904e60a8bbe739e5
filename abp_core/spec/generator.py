"""The shape of x = f(z; W)."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, Self

from abp_core.spec.checks import are_counts, is_count, is_real, require

Kind = Literal["texture", "sound", "objects", "film"]

MOST_ENTRIES = 2**24  # of one training signal; a picture of 2,300 x 2,300 in colour


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec:
    """The shape of x = f(z; W): a latent, layers that mix its positions where there are any, then
    layers that each enlarge by `upsampling`.

    latent_shape: (c, h, w) for a picture or (c, n) for a sound with a spatial latent, fully
        convolutional, so that a larger z gives a larger signal; (d,) for a vector latent.
    channels: features after every layer that enlarges but the last; there are len(channels) + 1.
    kernel_size, upsampling: of every transposed convolution, along each axis.
    out_channels: 3 colour, 1 grey or sound.
    projection: (c, h, w) or (c, n), what a fully connected layer makes of a vector latent;
        None for a spatial latent.
    leak: slope of the rectifier below zero (0 is ReLU; the paper uses .2 for objects).
    mixing: features after every layer that comes before those and keeps the latent map's size.
        They let latents that lie far apart agree on what they make: the courses of a roof.
    margins: the latent map has `reach` more positions on every side than the signal shows, and f
        cuts off what those would become. No border is ever felt: a part of a map makes the same
        part of its signal.
    moving: a signal is a frame of a film, and the examples are its frames in their order.
    transition: features of the hidden layer of F, which leads from the latent of one frame to that
        of the next (see transition.py); 0 where there is no F.
    """

    latent_shape: tuple[int, ...]
    channels: tuple[int, ...]
    kernel_size: int
    upsampling: int
    out_channels: int
    projection: tuple[int, ...] | None = None
    leak: float = 0.0
    mixing: tuple[int, ...] = ()
    margins: bool = False
    moving: bool = False
    transition: int = 0

    def __post_init__(self) -> None:
        require(
            are_counts(self.latent_shape) and len(self.latent_shape) in (1, 2, 3),
            "The latent shape must be (d,), (channels, length) or (channels, height, width).",
        )
        require(
            are_counts(self.channels) and len(self.channels) <= 8,
            "The channels must be at most eight positive whole numbers.",
        )
        require(is_count(self.upsampling), "The upsampling must be a positive whole number.")
        require(
            is_count(self.kernel_size) and self.kernel_size >= self.upsampling,
            "The kernel size must be a whole number, at least as large as the upsampling.",
        )
        require(
            self.upsampling > 1 or self.kernel_size % 2 == 1,
            "Without upsampling the kernel size must be odd.",
        )
        require(
            is_count(self.out_channels) and self.out_channels in (1, 3),
            "A signal has one channel or three.",
        )
        self._require_latents()
        self._require_extras()
        require(min(self.signal_shape) > 0, "A latent map must be larger than its margins.")
        require(
            math.prod(self.signal_shape) <= MOST_ENTRIES,
            f"A signal may have at most {MOST_ENTRIES:,} entries.",
        )

    def _require_latents(self) -> None:
        """A vector needs a projection, and a map takes none. Raises SpecRejected."""
        if len(self.latent_shape) == 1:
            require(
                self.projection is not None
                and are_counts(self.projection)
                and len(self.projection) in (2, 3),
                "A vector latent needs a projection (channels, length) or (channels, h, w).",
            )
        else:
            require(self.projection is None, "A spatial latent takes no projection.")

    def _require_extras(self) -> None:
        """Of the layers that mix, the rectifier and the margins. Raises SpecRejected."""
        require(
            are_counts(self.mixing) and len(self.mixing) <= 8,
            "The mixing layers' channels must be at most eight positive whole numbers.",
        )
        require(
            not self.mixing or (self.projection is None and self.kernel_size % 2 == 1),
            "Mixing layers need a latent map and an odd kernel size.",
        )
        require(is_real(self.leak) and 0 <= self.leak < 1, "The leak must lie in [0, 1).")
        require(isinstance(self.margins, bool), "Margins are either there or not: true or false.")
        require(
            not self.margins or (self.projection is None and len(self.latent_shape) > 1),
            "Only a latent map has margins.",
        )
        require(isinstance(self.moving, bool), "Moving is either true or false.")
        require(
            not self.moving or (len(self.first_map) == 3 and not self.margins),
            "The frames of a film are pictures without margins.",
        )
        require(
            is_count(self.transition, 0) and self.transition <= 4096,
            "The features of a transition must be a whole number from 0 to 4096.",
        )
        require(
            not self.transition or (self.moving and not self.spatial),
            "Only the vector latents of a film have a transition.",
        )

    @property
    def kind(self) -> Kind:
        """What the network is for: frames of a film; else a map of latents for textures, a vector
        for sets of objects."""
        if self.moving:
            return "film"
        if len(self.first_map) == 2:
            return "sound"
        return "texture" if self.spatial else "objects"

    @property
    def spatial(self) -> bool:
        """Whether the latent is a map, so that a larger one gives a larger signal."""
        return self.projection is None

    @property
    def enlargement(self) -> int:
        """Signal entries along an axis for each position of the first map."""
        return int(self.upsampling ** (len(self.channels) + 1))

    @property
    def reach(self) -> int:
        """How many positions of the latent map, to each side, an entry of a signal depends on at
        most; the map's border is felt as far inside."""
        reach, half = 0, self.kernel_size // 2
        for _ in range(len(self.channels) + 1):
            reach = math.ceil((reach + half) / self.upsampling)
        return reach + half * len(self.mixing)

    @property
    def margin(self) -> int:
        """Positions on every side of the latent map that the signal does not show."""
        return self.reach if self.margins else 0

    @property
    def first_map(self) -> tuple[int, ...]:
        """Shape of what the first transposed convolution receives."""
        return self.latent_shape if self.projection is None else self.projection

    @property
    def signal_shape(self) -> tuple[int, ...]:
        """Shape of one x, for example (3, 128, 128) or (1, 60000)."""
        return self.signal_shape_of(self.first_map)

    def signal_shape_of(self, first_map: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of what a first map of this shape becomes; for a spatial latent, of f(z)."""
        shown = (size - 2 * self.margin for size in first_map[1:])
        return (self.out_channels, *(size * self.enlargement for size in shown))

    def map_shape_of(self, extent: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the latent map of a signal of this size; what is no whole position is left
        out."""
        sizes = (size // self.enlargement + 2 * self.margin for size in extent)
        return (self.first_map[0], *sizes)

    def latent_shape_of(self, extent: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the latent of a signal of this size; a vector is the same for all."""
        return self.map_shape_of(extent) if self.spatial else self.latent_shape

    def fitted_to(self, extent: tuple[int, ...], out_channels: int) -> Self:
        """This network for signals of another size: at most `extent`, rounded down to whole
        positions of the first map. Raises SpecRejected where not even one position fits."""
        require(
            len(extent) == len(self.first_map) - 1 and min(extent) >= self.enlargement,
            f"The data is too small: each side must be at least {self.enlargement} long.",
        )
        first_map = self.map_shape_of(extent)
        return dataclasses.replace(
            self,
            latent_shape=first_map if self.spatial else self.latent_shape,
            projection=None if self.spatial else first_map,
            out_channels=out_channels,
        )
