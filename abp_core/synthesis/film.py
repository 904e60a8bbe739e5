"""Frames to a film that every browser plays: H.264 in an MP4."""

import io
from collections.abc import Sequence

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from abp_core.synthesis.encode import Bytes

SMALLEST = 256  # pixels along the shorter side; a smaller film is enlarged by a whole number
BT709 = 1  # colours as of a high-definition television, in each of ffmpeg's lists of them
QUALITY = "16"  # x264's constant rate factor: what is lost can hardly be seen


def encode_film(frames: Sequence[Bytes], rate: int) -> bytes:
    """Frames (h, w, 3), so many a second, as an MP4 whose index comes first, so that it plays
    while it arrives. Odd sides are made even: colour has half the pixels of light."""
    file = io.BytesIO()
    with av.open(
        file,
        "w",
        format="mp4",
        options={"movflags": "faststart"},
        io_open=lambda *_: io.BytesIO(file.getvalue()),  # to move its content behind the index
    ) as film:
        stream = film.add_stream("libx264", rate=rate, options={"crf": QUALITY})
        context = stream.codec_context
        context.thread_count = 1  # a visitor's film takes one core, as all else that is asked for
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG
        first = _picture(frames[0])
        stream.width, stream.height = first.width, first.height
        for picture in map(_picture, frames):
            film.mux(stream.encode(picture))
        film.mux(stream.encode(None))
    return file.getvalue()


def _picture(frame: Bytes) -> av.VideoFrame:
    height, width = frame.shape[:2]
    even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    times = -(-SMALLEST // min(height, width))
    return av.VideoFrame.from_ndarray(even, format="rgb24").reformat(
        width=times * even.shape[1],
        height=times * even.shape[0],
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=Interpolation.BICUBIC,
    )
