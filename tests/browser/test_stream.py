"""The script by which a page hears every answer, in a real browser, against a server of our own
that closes its streams in the worst moments."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from playwright.sync_api import BrowserContext, Page

from demo.page import HEAD

# What the framework does: it reads the stream until it is told that it is closed, then lets go.
CLIENT = """() => {
    window.heard = [];
    window.taken = 0;
    window.listen = async () => {
        const letGo = new AbortController();
        window.letGo = () => letGo.abort();
        const stream = await fetch("queue/data?session_hash=abc", { signal: letGo.signal });
        const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
            const { value, done } = await reader.read();
            if (done) break;
            window.heard.push(...value.split("\\n\\n").filter(Boolean)
                .map((text) => JSON.parse(text.slice(6)).msg));
        }
        window.heard.push("end");
    };
    const body = JSON.stringify({ session_hash: "abc" });
    window.order = () => fetch("queue/join", { method: "POST", body })
        .then(() => { window.taken += 1; });
}"""


class Server:
    """Streams one message, then `last` when it is `over`; `ended`: the number of the stream of
    which it says that it has ended."""

    def __init__(self) -> None:
        self.over, self.ended = Event(), 0
        self.takes = Event()  # orders, at once
        self.takes.set()
        self.last = b""
        self.sessions: list[str | None] = []
        self.streams: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                if self.path.startswith("/queue/data"):
                    outer.streams.append(self.headers["x-stream"])
                    self.wfile.write(b'data: {"msg":"estimation"}\n\n')
                    self.wfile.flush()
                    outer.over.wait(60)
                    self.wfile.write(outer.last)
                else:
                    self.wfile.write(f"<!doctype html><title>x</title>{HEAD}".encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                outer.takes.wait(60)
                outer.sessions.append(self.headers["x-listener"])
                self.send_response(200)
                self.send_header("x-ended", str(outer.ended))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    Thread(target=server.http.serve_forever).start()
    yield server
    server.takes.set()
    server.over.set()
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def listening(context: BrowserContext, server: Server) -> Page:
    """A page that has heard the first message of its stream."""
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.http.server_address[1]}/")
    page.evaluate(CLIENT)
    page.evaluate("() => { window.listen(); }")
    page.wait_for_function("() => window.heard.length === 1")
    return page


def test_an_order_is_taken_at_once_where_the_page_is_heard(listening: Page, server: Server) -> None:
    listening.evaluate("() => window.order()")
    assert listening.evaluate("() => window.taken") == 1
    assert server.sessions == ["abc"]
    assert server.streams == ["1"]


def test_an_order_taken_while_the_stream_closes_waits_for_its_end(
    listening: Page, server: Server
) -> None:
    server.ended = 1
    listening.evaluate("() => { window.order(); }")
    listening.wait_for_timeout(300)
    assert listening.evaluate("() => window.taken") == 0
    listening.evaluate("() => window.letGo()")
    listening.wait_for_function("() => window.taken === 1")


def test_an_order_waits_for_no_stream_that_came_after_it(listening: Page, server: Server) -> None:
    """Of which the studio did not know yet when it took the order."""
    server.ended = 1
    listening.evaluate("() => window.letGo()")
    listening.evaluate("() => { window.listen(); }")
    listening.wait_for_function("() => window.heard.length === 2")
    listening.evaluate("() => { window.order(); }")
    listening.wait_for_function("() => window.taken === 1", timeout=5_000)


def test_an_order_on_its_way_waits_for_the_stream_that_began_and_ended_meanwhile(
    listening: Page, server: Server
) -> None:
    """Which will not answer it, although the page believes that it still listens."""
    server.takes.clear()
    listening.evaluate("() => { window.order(); window.letGo(); window.listen(); }")
    listening.wait_for_function("() => window.heard.length === 2")
    server.ended = 2
    server.takes.set()
    listening.wait_for_timeout(300)
    assert listening.evaluate("() => window.taken") == 0
    listening.evaluate("() => window.letGo()")
    listening.wait_for_function("() => window.taken === 1")


def test_an_order_waits_no_longer_than_its_stream_where_nobody_lets_go(
    listening: Page, server: Server
) -> None:
    """A browser may forget that one signal follows another: the stream's own end must do, and it
    is none that broke off."""
    server.ended = 1
    server.last = f"data: {json.dumps({'msg': 'close_stream'}, separators=(',', ':'))}\n\n".encode()
    server.over.set()
    listening.wait_for_function("() => window.heard.includes('close_stream')")
    listening.evaluate("() => { window.order(); }")
    listening.wait_for_function("() => window.taken === 1", timeout=5_000)
    assert listening.evaluate("() => window.heard") == ["estimation", "close_stream", "end"]


def test_a_stream_that_breaks_off_ends_in_due_form(listening: Page, server: Server) -> None:
    server.over.set()
    listening.wait_for_function("() => window.heard.at(-1) === 'end'")
    told = ["estimation", "broken_connection", "close_stream", "end"]
    assert listening.evaluate("() => window.heard") == told


def test_a_stream_that_was_closed_says_no_more(listening: Page, server: Server) -> None:
    server.last = f"data: {json.dumps({'msg': 'close_stream'})}\n\n".encode()
    server.over.set()
    listening.wait_for_function("() => window.heard.at(-1) === 'close_stream'")
    listening.evaluate("() => window.letGo()")
    listening.wait_for_timeout(300)
    assert "broken_connection" not in listening.evaluate("() => window.heard")
