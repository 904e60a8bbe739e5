"""What a file is, by how it begins; its ending decides nothing."""

from pathlib import Path
from typing import Literal

from abp_core.errors import Refusal

Wanted = Literal["", "picture", "sound"]

PICTURES = ("PNG", "JPEG", "WebP")
SOUNDS = ("WAV", "FLAC", "Ogg", "MP3", "AIFF", "AU", "CAF", "W64")
SETS = ("zip", "npy")
FILMS = ("MP4", "WebM", "AVI", "GIF")
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".webp")
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf")
SET_ENDINGS = (".zip", ".npz", ".npy")
FILM_ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif")
HEAD = 64  # bytes that are looked at
AS_PICTURE = "please save it as a PNG, JPEG or WebP file"
AS_SOUND = "please save it as a WAV, FLAC, OGG or MP3 file"
AS_FILM = "please save it as an MP4 file (H.264)"
AS_ZIP = "please pack the pictures as a zip"

# How files begin that people bring for one of ours, their names, and what to do about them.
_OTHERS = (
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
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file", AS_SOUND),
    (b"\0\0\1\xba", "an MPEG film", AS_FILM),
    (b"\0\0\1\xb3", "an MPEG film", AS_FILM),
    (b"FLV\1", "a Flash film", AS_FILM),
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
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip")  # begin QuickTime films that name no brand


class FileRejected(Refusal):
    """A file that cannot be used. The message is one sentence for the user."""


def format_of(head: bytes) -> str:
    """The name of a format that is read, one of PICTURES, SOUNDS, SETS and FILMS, by the first HEAD
    bytes of a file; empty for any other. A Matroska film is a WebM here, and a QuickTime film an
    MP4."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head[:4] in (b"RIFF", b"RF64", b"RIFX"):
        return {b"WAVE": "WAV", b"WEBP": "WebP", b"AVI ": "AVI"}.get(head[8:12], "")
    if head[4:8] in _ATOMS or (head[4:8] == b"ftyp" and head[8:12] not in _BRANDS):
        return "MP4"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head.startswith(b"riff\x2e\x91\xcf\x11"):
        return "W64"
    for begins, name in (
        *((b"fLaC", "FLAC"), (b"OggS", "Ogg"), (b".snd", "AU"), (b"caff", "CAF")),
        *((b"\x1aE\xdf\xa3", "WebM"), (b"GIF8", "GIF")),
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
        return _BRANDS.get(head[8:12], ("", ""))
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "an AAC sound", AS_SOUND
    if head.lstrip()[:5].lower() == b"<?xml" and b"svg" in head.lower():
        return "an SVG drawing", AS_PICTURE
    found = (others[1:] for others in _OTHERS if head.startswith(others[0]))
    return next(found, ("", ""))


def is_animated_webp(head: bytes) -> bool:
    """Whether a file that begins so is a WebP of several frames; `format_of` calls it a WebP."""
    extended = format_of(head) == "WebP" and head[12:16] == b"VP8X" and len(head) > 20
    return extended and bool(head[20] & 0x02)


def require_read(head: bytes, name: str, wanted: Wanted = "") -> None:
    """Raises FileRejected for a format that has a name and is not read, or for a film where a
    picture or a sound is wanted."""
    found = format_of(head)
    other, advice = ("", "") if found else name_of_other(head)
    if other:
        raise FileRejected(f"{name} is {other}, which is not read here; {advice}.")
    if found == "GIF" and wanted:
        advice = AS_PICTURE if wanted == "picture" else "please choose a WAV, FLAC, OGG or MP3 file"
        raise FileRejected(f"{name} is a GIF, which is not read as a {wanted}; {advice}.")
    if found in FILMS and wanted == "picture":
        raise FileRejected(
            f"{name} is a film ({found}), not a picture; please choose a PNG, JPEG or WebP file."
        )
    if found in FILMS and wanted == "sound":  # it may hold nothing but a sound
        raise FileRejected(
            f"{name} is a film or a sound in the format of films ({found}), which is not read as a "
            "sound; please save its sound as a WAV, FLAC, OGG or MP3 file."
        )


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
