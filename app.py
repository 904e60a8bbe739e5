"""Builds the studio's page and serves it; nothing else."""

import os
import signal
import threading

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "5")
# The queue keeps a table of the last events, and works out percentiles of it after each of them.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))

# Gradio reads the environment when it is imported.
from demo import door, housekeeping, limits, page, theme
from demo.disk import Disk
from demo.live import Watch
from demo.served import CARDS, FOLDERS
from demo.turns import Lanes
from demo.workbench import Workbench, one_thread


def main(over: threading.Event) -> None:
    """Serves the studio until `over` is set."""
    disk = Disk()
    os.environ["GRADIO_TEMP_DIR"] = str(disk.cache)  # what visitors bring goes with the server
    workbench, lanes, listeners = Workbench(disk), Lanes(one_thread), door.Listeners()
    studio = page.build(workbench, lanes)
    folders = {**FOLDERS, CARDS: workbench.draw_cards()}
    studio.queue(default_concurrency_limit=None)
    try:
        studio.launch(
            theme=theme.theme(),
            css=theme.CSS,
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
                "routes": door.routes(folders, Watch(workbench).answer),
                "middleware": door.middleware(listeners),
                "lifespan": housekeeping.lifespan(studio, listeners, disk),
            },
        )
        while not over.wait(1):  # with a bound, so that Windows lets Ctrl-C in
            pass
    finally:
        lanes.close()
        workbench.close()  # a training thread must end before the interpreter does
        studio.close()


if __name__ == "__main__":
    over = threading.Event()
    # A host that stops us is Ctrl-C, and one that is impatient and tells us twice is no more.
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: over.set())
    main(over)
