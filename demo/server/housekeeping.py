"""What is cleared away while the studio runs: what nobody listens to, what lies too long."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import monotonic

import gradio as gr
from fastapi import FastAPI

from demo import limits
from demo.disk import Disk
from demo.server.listeners import Listeners

SECONDS_BETWEEN = 5.0
ROUNDS_OF_DISK = 12  # of those, until the disk is swept


def lifespan(
    studio: gr.Blocks, listeners: Listeners, disk: Disk
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """For as long as the server runs, in its event loop."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_keep_house(studio, listeners, disk))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return alive


async def _keep_house(studio: gr.Blocks, listeners: Listeners, disk: Disk) -> None:
    rounds = 0
    while True:
        await asyncio.sleep(SECONDS_BETWEEN)
        rounds += 1
        try:
            now = monotonic()
            await let_go_unheard(studio, listeners, now)
            let_go_sessions(studio, listeners, now)
            if rounds % ROUNDS_OF_DISK == 0:
                await asyncio.to_thread(disk.sweep)
        except Exception:  # the next round may fare better, and the page must go on
            logging.getLogger(__name__).exception("Something could not be cleared away")


async def let_go_unheard(studio: gr.Blocks, listeners: Listeners, now: float) -> None:
    """Forgets, in the framework's queue, what was asked for by whoever does not listen to the
    answers, so that it neither fills the queue nor memory. now: in seconds of `monotonic`."""
    queue = studio._queue
    pending = queue.pending_messages_per_session
    listeners.hear_of(list(pending), now)
    for session in list(pending):
        if listeners.silent(session, now) > limits.SECONDS_UNHEARD:
            await queue.clean_events(session_hash=session)
            for tasks in list(queue._asyncio_tasks):
                if tasks.get_name().startswith(f"{session}_"):
                    tasks.cancel()  # what is at work for it
            pending.pop(session, None)
            queue.pending_event_ids_session.pop(session, None)
    for event in list(queue.event_ids_to_events.values()):
        if event.session_hash not in pending:
            queue.event_ids_to_events.pop(event._id, None)


def let_go_sessions(studio: gr.Blocks, listeners: Listeners, now: float) -> None:
    """Forgets what the framework keeps of pages that are gone. now: in seconds of `monotonic`."""
    holder = getattr(studio, "state_holder", None)
    if holder is None:
        return
    listeners.hear_of(list(holder.session_data), now)
    for session in list(holder.session_data):
        if listeners.silent(session, now) > limits.SECONDS_OF_SESSION:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)
    listeners.forget(set(holder.session_data) | set(studio._queue.pending_messages_per_session))
