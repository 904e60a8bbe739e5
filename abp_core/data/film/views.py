"""How a frame of a video is seen: turned, scaled and cut, in the colours of a common screen."""

from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from abp_core.data.film import colours
from abp_core.data.film.bounds import require_fit
from abp_core.data.film.protocol import Bytes, Sender, Wanted

HIGH_DEFINITION = 720  # rows from which on a film that does not tell its colours has BT.709's
MATRICES = (2, 3)  # of colours, in ffmpeg's list: not told, reserved
SCALING = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
BRIGHT = "its HDR colours were brought to those of a common screen"
INTERLACED = "it is interlaced; one field of each of its frames was taken"


class View:
    """How frames are seen: scaled, turned, cut, in the colours of a common screen."""

    def __init__(self, frame: Any, aspect: float, wanted: Wanted, out: Sender) -> None:
        self._out = out
        self._reformatter = VideoReformatter()
        self._turn = _turn(frame)
        width, height = max(1, round(frame.width * aspect)), frame.height
        self.seen = (height, width) if self._turn[0] else (width, height)
        self.fit = require_fit(self.seen, wanted)

    def show(self, frame: Any) -> Bytes:
        """A frame as (h, w, 3)."""
        turned, rows, columns = self._turn
        height, width = self.fit.scaled[::-1] if turned else self.fit.scaled
        pixels = self._scaled(frame, height, width)
        pixels = pixels.transpose(1, 0, 2) if turned else pixels
        top, left = self.fit.corner
        pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
        return pixels[top : top + self.fit.kept[0], left : left + self.fit.kept[1]]

    def _scaled(self, frame: Any, height: int, width: int) -> Bytes:
        if frame.interlaced_frame:
            self._out.note(INTERLACED)
            whole = self._reformat(frame, frame.height, frame.width, "rgb24", Interpolation.BICUBIC)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(whole[::2]), format="rgb24")
        elif any(component.is_alpha for component in frame.format.components):
            frame = av.VideoFrame.from_ndarray(self._over_white(frame), format="rgb24")
        transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
        if not frame.format.is_rgb and colours.is_bright(transfer, primaries):
            self._out.note(BRIGHT)
            # Not rgb48le, of which swscale loses channels where a frame keeps its size.
            coded = self._reformat(frame, height, width, "gbrp16le", SCALING)
            return colours.to_common(coded, transfer, primaries)
        pixels: Bytes = self._reformat(frame, height, width, "rgb24", SCALING)
        return pixels

    def _over_white(self, frame: Any) -> Bytes:
        pixels = self._reformat(frame, frame.height, frame.width, "rgba", Interpolation.POINT)
        return over_white(pixels)

    def _reformat(
        self, frame: Any, height: int, width: int, kind: str, how: Interpolation
    ) -> NDArray[Any]:
        told = frame.format.is_rgb or int(frame.colorspace) not in MATRICES
        usual = Colorspace.ITU709 if frame.height >= HIGH_DEFINITION else Colorspace.ITU601
        return self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=kind,
            src_colorspace=None if told else usual,
            interpolation=how,
            threads=1,
        ).to_ndarray()


def over_white(pixels: Bytes) -> Bytes:
    """Colours and alpha (h, w, 4) over white."""
    if pixels[..., 3].min() == 255:
        return np.ascontiguousarray(pixels[..., :3])
    seen = np.empty((*pixels.shape[:2], 3), np.uint8)
    for row, out in zip(pixels, seen, strict=True):  # never all of it in wider numbers
        alpha = row[:, 3:].astype(np.uint16)
        out[:] = (row[:, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return seen


def _turn(frame: Any) -> tuple[bool, bool, bool]:
    """How a frame has to be turned to be seen: whether its rows become columns, and whether rows
    and columns then come in the opposite order."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None or len(bytes(matrix)) < 36:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, d < 0, a < 0
    return True, b < 0, c < 0
