"""What stands between the network and the page: our own routes, and bounds on every request.

It knows nothing of models. Everything is plain ASGI, so that streams pass through untouched.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import limits
from demo.server.listeners import Listeners, OrderTaken, Stream
from demo.server.turns import CLOSING

# Gradio builds its page with inline scripts and compiles our components' scripts in the browser.
# The page may be embedded anywhere, as on Hugging Face.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors *",
    )
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"content-security-policy", POLICY.encode()),
)
LARGE_TEXTS = ("/", "/config", "/gradio_api/info")  # that the framework does not compress
UPLOAD = "/gradio_api/upload"
CLOSED = ("/gradio_api/deep_link", "/gradio_api/runs", "/gradio_api/stream")  # the studio has none
STREAM = "/gradio_api/queue/data"  # of a page's session, given in the address
ORDER = "/gradio_api/queue/join"
LISTENER = b"x-listener"  # an order's session; see stream.js
NUMBER = b"x-stream"  # of a stream among its page's
TOO_LARGE = f"Together the files may have {limits.UPLOAD_MB} MB; please choose fewer or smaller."
TOO_MUCH = "You brought many files within a few minutes; please try again in a while."

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]


def routes(folders: Mapping[str, Path], live: Answer) -> list[BaseRoute]:
    """Ours, before the framework's: the files of some folders below /studio/, and /studio/live,
    which answers what a page asks for now and then (204 where there is nothing new)."""

    async def answer_live(request: Request) -> Response:
        try:
            sent = await request.json()
        except (ValueError, RecursionError):
            sent = None
        if not isinstance(sent, dict):
            return PlainTextResponse("This is no page of the studio.", 400)
        answer = await live(sent)
        if answer is None:
            return Response(status_code=204)
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    return [
        Route("/studio/live", answer_live, methods=["POST"]),
        *(
            Mount(f"/studio/{name}", StaticFiles(directory=folder))
            for name, folder in folders.items()
        ),
    ]


def middleware(listeners: Listeners) -> list[Middleware]:
    return [Middleware(_Door, listeners=listeners)]


class _Door:
    """Bounds what a request may hold, compresses the page, adds our headers, and sees who listens
    to the queue."""

    def __init__(self, app: ASGIApp, listeners: Listeners) -> None:
        self._app, self._listeners = app, listeners
        self._compressed = GZipMiddleware(app, minimum_size=1000, compresslevel=6)
        self._brought: OrderedDict[str, deque[tuple[float, int]]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].rstrip("/") or "/"
        if path == "/" and scope["method"] == "HEAD":
            # Whether we are there, which the framework asks when it starts and for three seconds
            # only: a machine that is busy then takes longer for the page.
            await Response()(scope, receive, _Reply(send))
            return
        uploads = path == UPLOAD
        if path.startswith(CLOSED):
            await PlainTextResponse("There is nothing here.", 404)(scope, receive, send)
            return
        address = str((scope.get("client") or ("", 0))[0])
        room = (limits.UPLOAD_MB if uploads else limits.REQUEST_MB) * 2**20 + 2**16
        if uploads and self._brought_lately(address) > limits.VISITOR_MB * 2**20:
            await PlainTextResponse(TOO_MUCH, 429)(scope, receive, send)
            return
        body = _Bounded(receive, room)
        reply = _Reply(send)
        app = self._compressed if path in LARGE_TEXTS else self._app
        told: Send = reply
        stream: Stream | None = None
        if path == STREAM:
            asked = parse_qs(scope["query_string"].decode("latin-1"))
            session = asked.get("session_hash", [""])[0]
            told = stream = Stream(reply, self._listeners, session, _number(scope, NUMBER))
        elif path == ORDER:
            told = OrderTaken(reply, self._listeners, _header(scope, LISTENER).decode("latin-1"))
        try:
            if _number(scope, b"content-length") > room:
                raise _TooLarge
            await app(scope, body, told)
        except _TooLarge:
            if not reply.begun:
                await PlainTextResponse(TOO_LARGE, 413)(scope, receive, reply)
        except ClientDisconnect:
            pass  # who left while sending waits for no answer
        except asyncio.CancelledError:  # the studio ends, and what is under way with it
            if not reply.begun:
                await PlainTextResponse(CLOSING, 503)(scope, receive, reply)
        except Exception as error:
            if stream and reply.begun and isinstance(error.__cause__, HTTPException):
                # The framework told the page that it does not know its session, and then raised it.
                await reply({"type": "http.response.body", "body": b""})
            elif body.full and not reply.begun:  # it wraps what is raised while it reads a body
                await PlainTextResponse(TOO_LARGE, 413)(scope, receive, reply)
            else:
                raise
        finally:
            if stream:
                stream.end()
            if uploads:
                self._note(address, body.read)

    def _brought_lately(self, address: str) -> int:
        """Bytes that came from an address within the last minutes."""
        brought = self._brought.get(address, deque())
        while brought and monotonic() - brought[0][0] > limits.SECONDS_OF_BRINGING:
            brought.popleft()
        return sum(size for _, size in brought)

    def _note(self, address: str, size: int) -> None:
        self._brought.setdefault(address, deque()).append((monotonic(), size))
        self._brought.move_to_end(address)
        while len(self._brought) > limits.VISITORS:
            self._brought.popitem(last=False)


class _TooLarge(Exception):
    pass


class _Bounded:
    """A request's body of at most so many bytes. `read`: how many came."""

    def __init__(self, receive: Receive, room: int) -> None:
        self._receive, self._room = receive, room
        self.read = 0

    @property
    def full(self) -> bool:
        return self.read > self._room

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self.read += len(message.get("body", b""))
            if self.full:
                raise _TooLarge
        return message


class _Reply:
    """A reply with our headers. `begun`: whether any of it was sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            there = {name.lower() for name, _ in message.get("headers", [])}
            own = [header for header in HEADERS if header[0] not in there]
            message = {**message, "headers": [*message.get("headers", []), *own]}
        await self._send(message)


def _header(scope: Scope, name: bytes) -> bytes:
    """A header's value, empty where there is none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


def _number(scope: Scope, name: bytes) -> int:
    """A header's value, 0 where there is none."""
    with suppress(ValueError):
        return int(_header(scope, name))
    return 0
