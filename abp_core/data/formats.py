"""What a file is, by how it begins; its ending decides nothing."""

from pathlib import Path

from abp_core.errors import Refusal

PICTURES = ("PNG", "JPEG", "WebP")
SOUNDS = ("WAV", "FLAC", "Ogg", "MP3", "AIFF", "AU", "CAF", "W64")
SETS = ("zip", "npy")
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".webp")
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf")
SET_ENDINGS = (".zip", ".npz", ".npy")
HEAD = 64  # bytes that are looked at
AS_PICTURE = "please save it as a PNG, JPEG or WebP file"
AS_SOUND = "please save it as a WAV, FLAC, OGG or MP3 file"
AS_ZIP = "please pack the pictures as a zip"

# How files begin that people bring for one of ours, their names, and what to do about them.
_OTHERS = (
    (b"GIF8", "a GIF", AS_PICTURE),
    (b"BM", "a BMP picture", AS_PICTURE),
    (b"II*\0", "a TIFF picture or a camera's raw file", AS_PICTURE),
    (b"MM\0*", "a TIFF picture or a camera's raw file", AS_PICTURE),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture", AS_PICTURE),
    (b"\xff\x0a", "a JPEG XL picture", AS_PICTURE),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", AS_PICTURE),
    (b"8BPS", "a Photoshop file", AS_PICTURE),
    (b"%PDF", "a PDF", AS_PICTURE),
    (b"<svg", "an SVG drawing", AS_PICTURE),
    (b"v/1\x01", "an OpenEXR picture", AS_PICTURE),
    (b"DDS ", "a DDS texture", AS_PICTURE),
    (b"#?RADIANCE", "a Radiance picture", AS_PICTURE),
    (b"\x1aE\xdf\xa3", "a WebM or Matroska film", AS_SOUND),
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file", AS_SOUND),
    (b"#!AMR", "an AMR voice message", AS_SOUND),
    (b"MThd", "a MIDI file, which holds notes and no sound", AS_SOUND),
    (b"Rar!", "a RAR archive", AS_ZIP),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", AS_ZIP),
    (b"\x1f\x8b", "a gzip archive", AS_ZIP),
    (b"\xfd7zXZ", "an xz archive", AS_ZIP),
)
_BRANDS = {  # of what begins as an MP4 does
    b"heic": ("a HEIC photograph", AS_PICTURE),
    b"heix": ("a HEIC photograph", AS_PICTURE),
    b"mif1": ("a HEIC photograph", AS_PICTURE),
    b"msf1": ("a HEIC photograph", AS_PICTURE),
    b"hevc": ("a HEIC photograph", AS_PICTURE),
    b"avif": ("an AVIF picture", AS_PICTURE),
    b"avis": ("an AVIF picture", AS_PICTURE),
    b"M4A ": ("an M4A sound", AS_SOUND),
    b"M4B ": ("an M4A sound", AS_SOUND),
    b"crx ": ("a camera's raw file", AS_PICTURE),
}


class FileRejected(Refusal):
    """A file that cannot be used. The message is one sentence for the user."""


def format_of(head: bytes) -> str:
    """The name of a format that is read, one of PICTURES, SOUNDS and SETS, by the first HEAD bytes
    of a file; empty for any other."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] in (b"RIFF", b"RF64", b"RIFX"):
        return {b"WAVE": "WAV", b"WEBP": "WebP"}.get(head[8:12], "")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head.startswith(b"riff\x2e\x91\xcf\x11"):
        return "W64"
    for begins, name in (
        *((b"fLaC", "FLAC"), (b"OggS", "Ogg"), (b".snd", "AU"), (b"caff", "CAF")),
        *((b"ID3", "MP3"), (b"PK\3\4", "zip"), (b"PK\5\6", "zip"), (b"\x93NUMPY", "npy")),
    ):
        if head.startswith(begins):
            return name
    # Eleven bits of ones begin a frame; the next ones tell an MP3 from an AAC.
    framed = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return "MP3" if framed and head[1] & 0x06 else ""


def name_of_other(head: bytes) -> tuple[str, str]:
    """A format that is not read and what to do about it, or two empty texts where it is not
    known."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], ("an MP4 or M4A file", AS_SOUND))
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "an AAC sound", AS_SOUND
    if head.lstrip()[:5].lower() == b"<?xml" and b"svg" in head.lower():
        return "an SVG drawing", AS_PICTURE
    found = (others[1:] for others in _OTHERS if head.startswith(others[0]))
    return next(found, ("", ""))


def require_read(head: bytes, name: str) -> None:
    """Raises FileRejected for a format that has a name and is not read."""
    other, advice = ("", "") if format_of(head) else name_of_other(head)
    if other:
        raise FileRejected(f"{name} is {other}, which is not read here; {advice}.")


def read_head(path: Path) -> bytes:
    """How a file begins. Raises FileRejected where there is none, or nothing in it."""
    try:
        if not path.is_file():
            raise FileRejected(f"{path.name} was not found.")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileRejected:
        raise
    except (OSError, ValueError) as error:  # a name that no file can have
        raise FileRejected(f"{path.name} could not be opened.") from error
    if not head:
        raise FileRejected(f"{path.name} is empty; please choose another file.")
    return head
