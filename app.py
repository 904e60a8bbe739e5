"""Builds the studio's page and serves it; nothing else."""

import os
import signal
import sys
import threading
from typing import NoReturn

if __name__ == "__main__" and os.name == "posix" and sys.getfilesystemencoding() != "utf-8":
    # Under an old code page no file could be kept whose name has other letters than its own.
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.argv])

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "5")
# The queue keeps a table of the last events, and works out percentiles of it after each of them.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
# Gradio asks itself whether it has come up, which is no question for a proxy.
os.environ["NO_PROXY"] = os.environ.get("NO_PROXY", "") + ",localhost,127.0.0.1,0.0.0.0,::1"
os.environ["no_proxy"] = os.environ.get("no_proxy", "") + ",localhost,127.0.0.1,0.0.0.0,::1"

# Gradio reads the environment when it is imported.
from abp_core.device import this_machine
from abp_core.errors import Refusal
from abp_core.faults import BROKEN_CODE
from demo import (
    limits,
    page,
    theme,
)
from demo.disk import Disk
from demo.errors import card_broke
from demo.runs.threads import one_thread
from demo.server import door, housekeeping
from demo.server.listeners import Listeners
from demo.server.live import Watch
from demo.server.served import (
    DRAWN,
    FOLDERS,
)
from demo.server.turns import Lanes
from demo.studio import Studio


def main(over: threading.Event) -> None:
    """Serves the studio until `over` is set, or the card broke."""
    disk = Disk()
    os.environ["GRADIO_TEMP_DIR"] = str(disk.cache)  # what visitors bring goes with the server
    studio, lanes, listeners = Studio(disk), Lanes(one_thread), Listeners()
    built = page.build(studio, lanes)
    studio.draw_cards()
    built.queue(default_concurrency_limit=None)
    try:
        built.launch(
            theme=theme.theme(),
            css=theme.CSS,
            head=page.HEAD,
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            footer_links=[],
            show_error=False,
            max_file_size=f"{limits.UPLOAD_MB}mb",
            max_threads=limits.QUEUE_PLACES,
            state_session_capacity=limits.VISITORS,
            prevent_thread_lock=True,
            app_kwargs={
                "routes": door.routes({**FOLDERS, DRAWN: studio.drawn}, Watch(studio).answer),
                "middleware": door.middleware(listeners),
                "lifespan": housekeeping.lifespan(built, listeners, disk),
            },
        )
        while not over.wait(1) and not card_broke.is_set():  # a bound lets Ctrl-C in on Windows
            pass
        if card_broke.is_set():
            over.wait(limits.SECONDS_TO_TELL)
    finally:
        lanes.close()
        studio.close()  # a training thread must end before the interpreter does
        built.close()


def restart() -> NoReturn:
    """The same command in the place of this process: a card that broke is lost to a process for
    good. Windows knows no such thing; there whoever started it is told by the exit code."""
    if os.name != "posix":
        sys.exit(BROKEN_CODE)
    sys.stdout.flush()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # what still holds the card's memory, or the port
    os.execv(sys.executable, sys.orig_argv)


if __name__ == "__main__":
    over = threading.Event()
    # A host that stops us is Ctrl-C, and one that is impatient and tells us twice is no more.
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: over.set())
    try:
        this_machine()
    except Refusal as refusal:
        sys.exit(str(refusal))
    main(over)
    if card_broke.is_set() and not over.is_set():
        restart()
