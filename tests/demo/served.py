"""A studio in a process of its own, and visitors who speak plain HTTP to it."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from demo.runs.sessions import new_token
from tests.demo.runs import UNTRAINED

ROOT = Path(__file__).parents[2]
# The same as `python app.py`, with bounds of the studio's own set otherwise first.
SERVE = """
import json, runpy, sys
from demo import limits
for name, value in json.loads(sys.argv[1]).items():
    setattr(limits, name, value)
sys.argv = ["app.py"]
runpy.run_path("app.py", run_name="__main__")
"""


class Server:
    """A running studio. port: where it answers; a free one where left out. root: of its code.
    first: Python that runs before it. bounds: of `limits`, other than its own."""

    def __init__(
        self,
        folder: Path,
        log: Path,
        *,
        port: int = 0,
        root: Path = ROOT,
        first: str = "",
        **bounds: Any,
    ) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            self.port = probe.getsockname()[1]
        self.log = log
        env = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(self.port),
            "ABP_STUDIO_FOLDER": str(folder),
        }
        with log.open("a", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", first + SERVE, json.dumps(bounds)],
                cwd=root,
                env=env,
                stdout=output,
                stderr=output,
            )
        until = monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, log.read_text(encoding="utf-8")
            assert monotonic() < until, log.read_text(encoding="utf-8")
            sleep(0.1)
        self.config = json.loads(self.ask("config")[1])
        self.numbers = {d["api_name"]: d["id"] for d in self.config["dependencies"]}

    def _answers(self) -> bool:
        try:
            return self.ask("")[0] == 200
        except OSError:
            return False

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        """Status, content and headers of the answer to a request; a body that is no bytes is sent
        as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            if body is not None and not isinstance(body, bytes):
                body, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
            connection.request("GET" if body is None else "POST", f"/{path}", body, headers)
            reply = connection.getresponse()
            told = {name.lower(): value for name, value in reply.getheaders()}
            return reply.status, reply.read(), told
        finally:
            connection.close()

    def stop(self) -> int:
        """Told to end, as a host does it."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=60)

    def resident(self) -> float:
        """Memory of the process in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def own_faults(self) -> list[str]:
        """Tracebacks in the log that pass through the studio's own code. Every request passes
        through the door, so what breaks behind it is no fault of the door's."""
        found, ours = [], (f'File "{ROOT / "demo"}', f'File "{ROOT / "abp_core"}')
        for part in self.log.read_text(encoding="utf-8").split(
            "Traceback (most recent call last):"
        )[1:]:
            trace = [line.strip() for line in part.splitlines() if line.startswith("  File")]
            inside = [line for line in trace[:-1] if "door.py" not in line] + trace[-1:]
            if any(line.startswith(ours) for line in inside):
                found.append(part)
        return found


@contextmanager
def serving(folder: Path, **bounds: Any) -> Iterator[Server]:
    """A studio for as long as the block lasts; `folder` holds its files and its log."""
    server = Server(folder / "studio", folder / "log", **bounds)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.wait(timeout=60)


class Page:
    """An open page of a visitor."""

    def __init__(self, server: Server, token: str = "") -> None:
        self.server = server
        self.token = token or new_token()
        self.session = secrets.token_hex(8)

    def open(self) -> str:
        """What a browser does when the page loads, until there is a current model; the bar."""
        assert self.server.ask("")[0] == 200
        answer = self.call("arrive", self.token, {})
        return str(answer[0])

    def join(self, name: str, *values: Any) -> str:
        """Asks the queue for an event; its id."""
        status, content, _ = self.server.ask(
            "gradio_api/queue/join",
            {
                "data": list(values),
                "fn_index": self.server.numbers[name],
                "session_hash": self.session,
            },
        )
        assert status == 200, content
        return str(json.loads(content)["event_id"])

    def listen(self) -> Iterator[dict[str, Any]]:
        """What the queue tells this page, until nothing is asked for any more."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        try:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={self.session}")
            for line in connection.getresponse():
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])
        finally:
            connection.close()

    def call(self, name: str, *values: Any) -> list[Any]:
        """What an event answers last."""
        event = self.join(name, *values)
        data: list[Any] = []
        for told in self.listen():
            if told.get("event_id") == event and "output" in told and told["output"].get("data"):
                data = told["output"]["data"] if told["msg"] != "process_generating" else data
            if told["msg"] == "process_completed" and told["event_id"] == event:
                assert told["success"], told
        return data

    def script(self, name: str, **fields: Any) -> Any:
        """What a function of a component's script answers."""
        (component,) = (
            component["id"]
            for component in self.server.config["components"]
            if name in (component["props"].get("server_fns") or [])
        )
        body = {
            "data": {"token": self.token, **fields},
            "component_id": component,
            "fn_name": name,
            "session_hash": self.session,
        }
        status, content, _ = self.server.ask("gradio_api/component_server", body)
        assert status == 200, content
        return json.loads(content)

    def live(self, **more: Any) -> dict[str, Any] | None:
        """What an open page asks for now and then."""
        status, content, _ = self.server.ask("studio/live", {"token": self.token, **more})
        return json.loads(content) if status == 200 else None

    def train(self, minutes: float = 1.0, **knobs: str) -> str:
        """Begins a light run on pebbles; the notice."""
        light = {"steps": "1", "batch_size": "2"} | knobs
        names = ("steps", "step_size", "temperature", "sigma", "learning_rate", "batch_size")
        texts = [light.get(name, "") for name in (*names, "examples", "seed")]
        choice = {"kind": "texture", "item": "pebbles"}
        (notice,) = self.call("begin", self.token, choice, *UNTRAINED, minutes, *texts)
        return str(notice)


def at_once(works: list[Any]) -> list[threading.Thread]:
    """Each in a thread of its own, all begun."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    return threads
