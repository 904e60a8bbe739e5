"""Builds the studio's page and serves it; nothing else."""

import os
import signal
import sys
import threading

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
from demo import (
    limits,
    page,
    theme,
)
from demo.disk import Disk
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
    """Serves the studio until `over` is set."""
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
        while not over.wait(1):  # with a bound, so that Windows lets Ctrl-C in
            pass
    finally:
        lanes.close()
        studio.close()  # a training thread must end before the interpreter does
        built.close()


if __name__ == "__main__":
    over = threading.Event()
    # A host that stops us is Ctrl-C, and one that is impatient and tells us twice is no more.
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: over.set())
    main(over)
