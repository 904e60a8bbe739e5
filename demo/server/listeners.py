"""Which pages listen to the answers of the queue; stream.js is the browser's side of it."""

from collections.abc import Iterable, Set
from time import monotonic

from starlette.types import Message, Send

CLOSING = b'data: {"msg":"close_stream"'  # the last that the framework sends in a stream


class Listeners:
    """Which pages listen to the stream of what the queue answers them, and since when not. A page
    is known by the framework's session, and numbers its streams from 1 on."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._silent_since: dict[str, float] = {}

    def begin(self, session: str) -> None:
        self._open[session] = self._open.get(session, 0) + 1
        self._silent_since.pop(session, None)

    def end(self, session: str, number: int) -> None:
        self._ended[session] = max(number, self.ended(session))
        self._open[session] -= 1
        if not self._open[session]:
            del self._open[session]
            self._silent_since[session] = monotonic()

    def ended(self, session: str) -> int:
        """The number of the last stream of a page that has ended, 0 where none has. What is ordered
        now is answered by a later one."""
        return self._ended.get(session, 0)

    def order(self, session: str) -> None:
        """A page ordered something, and is about to listen if it does not yet."""
        if session not in self._open:
            self._silent_since[session] = monotonic()

    def hear_of(self, sessions: Iterable[str], now: float) -> None:
        """Sessions that exist; who never listened is silent from here on."""
        for session in sessions:
            if session not in self._open:
                self._silent_since.setdefault(session, now)

    def silent(self, session: str, now: float) -> float:
        """Seconds for which nobody has listened."""
        return now - self._silent_since.get(session, now)

    def forget(self, but: Set[str]) -> None:
        """All sessions that do not exist any more."""
        for session in set(self._silent_since) - but:
            del self._silent_since[session]
            self._ended.pop(session, None)


class Stream:
    """Sends the stream of what the queue answers a page, which listens from its beginning on.
    number: among the streams of the page."""

    def __init__(self, send: Send, listeners: Listeners, session: str, number: int) -> None:
        self._send, self._listeners = send, listeners
        self._session, self._number = session, number
        self._open = True
        listeners.begin(session)

    async def __call__(self, message: Message) -> None:
        if message.get("body", b"").startswith(CLOSING):
            self.end()  # what is ordered from now on is answered by another
        await self._send(message)

    def end(self) -> None:
        if self._open:
            self._open = False
            self._listeners.end(self._session, self._number)


class OrderTaken:
    """Sends the reply to an order, and in it which stream of the page had ended by then."""

    def __init__(self, send: Send, listeners: Listeners, session: str) -> None:
        self._send, self._listeners, self._session = send, listeners, session
        listeners.order(session)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            ended = str(self._listeners.ended(self._session)).encode()
            message = {**message, "headers": [*message.get("headers", []), (b"x-ended", ended)]}
        await self._send(message)
