"""The process that decodes a film, which a hostile file may well break. It gives up memory and time
before it looks at the file, and whatever happens then, it answers by messages (`protocol`)."""

import contextlib
import importlib
import json
import os
import sys

from abp_core.data.film import video, webp
from abp_core.data.film.bounds import TOO_MUCH
from abp_core.data.film.opening import has_index
from abp_core.data.film.protocol import NO_FILM, REFUSED, Refused, Sender, Wanted

MOST_MEMORY = 320_000_000  # bytes that the process may ask for; it starts with a fifth of them
MOST_CPU = 40  # seconds
NO_INDEX = (
    "could not be read as a film, since its index is missing, as if it were cut off; please copy "
    "or save it again."
)


def main() -> None:
    """Reads the film on the standard input. The wish is the last argument, as JSON."""
    out = Sender(os.fdopen(os.dup(1), "wb"))
    file = os.fdopen(os.dup(0), "rb")
    wanted = Wanted(**json.loads(sys.argv[-1]))
    if wanted.kind == "WebP":
        importlib.import_module("PIL.WebPImagePlugin")  # before memory is short
    _be_modest()
    try:
        (webp.send if wanted.kind == "WebP" else video.send)(file, wanted, out)
    except Refused as refusal:
        out.message(REFUSED, str(refusal).encode())
    except BrokenPipeError:
        pass
    except MemoryError:
        out.message(REFUSED, TOO_MUCH.encode())
    except Exception:  # ffmpeg and Pillow raise many kinds for broken files
        cut = wanted.kind == "MP4" and not has_index(file)
        out.message(REFUSED, (NO_INDEX if cut else NO_FILM).encode())


def _be_modest() -> None:
    """Gives up memory, time and the right to write files, where the system can be told so."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {"RLIMIT_CORE": 0, "RLIMIT_CPU": MOST_CPU, "RLIMIT_FSIZE": 0}
    # All that a process holds for itself counts, whether it is touched or not, but not its code.
    limits |= {"RLIMIT_DATA": MOST_MEMORY} if sys.platform == "linux" else {}
    for name, most in limits.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (most, most))


if __name__ == "__main__":
    main()
