"""Videos and animated WebPs, by way of a process of their own, the child: it is begun with a wish,
heard, and ended when it is late."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from abp_core.data.film.frames import LATEST, SOON, Film
from abp_core.data.film.hearing import Answer
from abp_core.data.film.protocol import Wanted
from abp_core.data.formats import FileRejected

ROOT = str(Path(__file__).parents[3])
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "PATH", "TMPDIR", "TEMP")
BEGIN = (
    "import os, sys; sys.path += sys.argv[1].split(os.pathsep);"
    "from abp_core.data.film.child import main; main()"
)


def from_video(path: Path, wish: Wanted) -> Film:
    """A film that a child decodes. Raises FileRejected."""
    answer = Answer(path.name, wish)
    paths = os.pathsep.join([ROOT, *(each for each in sys.path if Path(each).is_absolute())])
    command = [sys.executable, "-I", "-c", BEGIN, paths, json.dumps(asdict(wish))]
    variables = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each takes memory
    try:
        with path.open("rb") as file:
            process = subprocess.Popen(
                command,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=variables,
            )
    except OSError as error:
        raise FileRejected(
            f"{path.name} could not be opened, or there is no room to decode it; please try again."
        ) from error
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(process, answer, done), daemon=True)
    with process:
        watch.start()
        try:
            assert process.stdout is not None
            answer.hear(process.stdout)
        finally:
            done.set()
            process.kill()
    return answer.film()


def _watch(process: "subprocess.Popen[bytes]", answer: Answer, done: threading.Event) -> None:
    """Ends the process when it is late, upon which what is heard of it ends too."""
    if done.wait(SOON):
        return
    if answer.enough and done.wait(LATEST - SOON):
        return
    answer.late = True
    process.kill()
