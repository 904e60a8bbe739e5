"""What is said of how data became smaller: rests of sentences that begin with the file."""

from collections.abc import Set

from abp_core.data.sounds import Sound

Size = tuple[int, int]  # width and height


def of_sound(sound: Sound, rate: int) -> tuple[str, ...]:
    """How the rate and the channels of a sound were changed. rate: of its signal, in hertz."""
    if sound.rate < rate:
        raised = f"it was resampled from {sound.rate:,} to {rate:,} Hz"
        return (raised, *of_sound(Sound(sound.samples, rate, mixed=sound.mixed), rate))
    rates = [f"{hertz / 1000:g} kHz" if sound.rate > rate else "" for hertz in (sound.rate, rate)]
    channels = {1: "", 2: "stereo"}.get(sound.mixed, f"{sound.mixed} channels")
    before, after = f"{rates[0]} {channels}", f"{rates[1]} {'mono' if channels else ''}"
    return (f"it was reduced from {before.strip()} to {after.strip()}",) if before.strip() else ()


def of_picture(size: Size, read: Size, scale: float) -> tuple[str, ...]:
    """How a picture was made smaller. size: in its file. read, scale: as it was decoded, and what
    its sides were multiplied by then."""
    width, height = (max(1, round(side * scale)) for side in read)
    if size in ((0, 0), (width, height)) or (scale == 1 and read[0] == size[0]):
        return ()
    return (f"it was reduced from {size[0]} x {size[1]} to {width} x {height} pixels",)


def of_set(sizes: Set[Size], side: int) -> tuple[str, ...]:
    """How the pictures of a set became squares of one size. sizes: in their files."""
    if not sizes or sizes == {(side, side)}:
        return ()
    cut = "" if all(width == height for width, height in sizes) else "cut to squares and "
    made = f"{side} x {side} pixels"
    if len(sizes) > 1:
        return (f"its pictures, of several sizes, were {cut}brought to {made}",)
    ((width, height),) = sizes
    if min(width, height) == side:
        return (f"its pictures were cut from {width} x {height} to {made}",)
    verb = "reduced" if min(width, height) > side else "enlarged"
    return (f"its pictures were {cut}{verb} from {width} x {height} to {made}",)
