"""Which of a page's streams have ended, as the studio tells it to an order that comes in that
moment."""

import asyncio
from time import monotonic
from typing import Any

import starlette.requests
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from demo.server import door, turns
from demo.server.listeners import CLOSING, Listeners
from tests.demo.loops import run

FROM = {"client": ("127.0.0.1", 1)}
DATA, JOIN = "/gradio_api/queue/data", "/gradio_api/queue/join"


class Framework:
    """A stream that sends the last answer, then that it is closed, each when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == DATA:
            await send({"type": "http.response.body", "body": b"data: {}\n\n", "more_body": True})
            await self.go_on.wait()
            end = CLOSING + b"}\n\n"
            await send({"type": "http.response.body", "body": end, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def behind_the_door(framework: Any) -> Any:
    """What a request comes to, before the framework."""
    (entry,) = door.middleware(Listeners())
    return entry.cls(framework, *entry.args, **entry.kwargs)


def kept_in(told: list[Message]) -> Send:
    """Takes what is answered, and keeps it."""

    async def send(message: Message) -> None:
        told.append(message)

    return send


async def ask(app: Any, path: str, method: str = "POST", slowly: float = 0) -> dict[bytes, bytes]:
    """The headers of the answer, which a browser takes `slowly`."""
    query = b"session_hash=abc" if path == DATA else b""
    headers = [(b"x-listener", b"abc")] if path == JOIN else [(b"x-stream", b"7")]
    scope = {
        **{"type": "http", "path": path, "method": method},
        **{"query_string": query, "headers": headers, **FROM},
    }
    told: dict[bytes, bytes] = {}

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.update(message.get("headers", []))
        if message.get("body", b"").startswith(CLOSING):
            await asyncio.sleep(slowly)

    await app(scope, receive, send)
    return told


def test_an_order_is_told_which_stream_will_not_answer_it() -> None:
    async def visit() -> list[bytes]:
        framework = Framework()
        app = behind_the_door(framework)
        ended = [(await ask(app, JOIN))[b"x-ended"]]  # there was none yet
        stream = asyncio.create_task(ask(app, DATA, "GET", slowly=60))
        await asyncio.sleep(0)
        ended.append((await ask(app, JOIN))[b"x-ended"])
        framework.go_on.set()
        await asyncio.sleep(0.01)
        assert not stream.done()  # it is still under way to the browser
        ended.append((await ask(app, JOIN))[b"x-ended"])
        stream.cancel()
        return ended

    assert run(visit()) == [b"0", b"0", b"7"]


def test_who_orders_after_a_long_silence_is_not_silent() -> None:
    listeners = Listeners()
    listeners.hear_of(["abc"], monotonic() - 1000)
    assert listeners.silent("abc", monotonic()) >= 1000
    listeners.order("abc")
    assert listeners.silent("abc", monotonic()) < 1000


def test_what_is_known_of_a_page_goes_with_it() -> None:
    listeners = Listeners()
    for session in ("abc", "def"):
        listeners.begin(session)
        listeners.end(session, 3)
    listeners.forget({"def"})
    assert (listeners.ended("abc"), listeners.ended("def")) == (0, 3)


def test_whether_the_studio_is_there_is_answered_without_the_page() -> None:
    async def visit() -> list[str]:
        framework = Framework()
        app = behind_the_door(framework)
        assert b"content-security-policy" in await ask(app, "/", "HEAD")
        await ask(app, "/", "GET")
        return framework.asked

    assert run(visit()) == ["/"]


def test_who_leaves_while_sending_leaves_no_traceback() -> None:
    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        await starlette.requests.Request(scope, receive).body()
        raise AssertionError("It went on with half of a body.")

    async def leave() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError("Nobody is there any more.")

    head = {"type": "http", "path": door.UPLOAD, "method": "POST", "headers": []}
    run(behind_the_door(framework)({**head, **FROM}, leave, send))


def test_a_stream_of_an_unknown_session_ends_in_due_form() -> None:
    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            raise HTTPException(404)
        except HTTPException as error:
            raise RuntimeError("The response has already started.") from error

    async def listen() -> list[Message]:
        told: list[Message] = []
        head = {"type": "http", "path": DATA, "method": "GET", "headers": [], "query_string": b""}
        await behind_the_door(framework)({**head, **FROM}, None, kept_in(told))
        return told

    assert not run(listen())[-1].get("more_body")


def test_what_is_under_way_when_the_studio_ends_gets_a_sentence() -> None:
    async def framework(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(60)

    async def end() -> list[Message]:
        told: list[Message] = []
        head = {"type": "http", "path": "/studio/live", "method": "POST", "headers": []}
        answer = behind_the_door(framework)({**head, **FROM}, None, kept_in(told))
        going = asyncio.create_task(answer)
        await asyncio.sleep(0)
        going.cancel()
        await going
        return told

    start, body = run(end())
    assert start["status"] == 503
    assert body["body"].decode() == turns.CLOSING
