"""Builds the studio's page and serves it; nothing else."""

import os
import signal
import time

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "5")

# Gradio reads the environment when it is imported.
from demo import limits, page, theme
from demo.workbench import Workbench


def main() -> None:
    workbench = Workbench()
    studio = page.build(workbench)
    studio.queue(default_concurrency_limit=4)
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
            prevent_thread_lock=True,
        )
        while True:  # until Ctrl-C; a training thread must end before the interpreter does
            time.sleep(1)
    except KeyboardInterrupt:
        pass
    finally:
        workbench.close()
        studio.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a host that stops us is Ctrl-C
    main()
