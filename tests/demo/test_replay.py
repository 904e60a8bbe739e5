"""Frames of a run: few, evenly spread, from its beginning, and gone with its memory."""

from itertools import pairwise

import pytest

from demo import limits
from demo.runs.jobs import Job
from demo.runs.replay import Frame, Replay
from tests.demo.runs import Counting, until


@pytest.mark.parametrize("step", [1, 7])
def test_there_are_never_too_many_and_they_are_evenly_spread(step: int) -> None:
    replay = Replay()
    for k in range(1000):
        frames = replay.add(Frame(step * k, str(k)))
        assert len(frames) <= limits.FRAMES
        assert frames[0].iteration == 0
    gaps = {b.iteration - a.iteration for a, b in pairwise(frames)}
    assert max(gaps) < 2 * min(gaps)
    assert len(frames) > limits.FRAMES / 4
    assert all(frame.picture == str(frame.iteration // step) for frame in frames)


def test_it_goes_on_as_widely_spread_as_it_was() -> None:
    replay = Replay()
    for k in range(100):
        frames = replay.add(Frame(k, ""))
    again = Replay(frames)
    assert again.add(None) == frames
    assert again.add(Frame(frames[-1].iteration + 1, "")) == frames, "too near to the last"


def test_a_run_that_is_let_go_takes_its_frames_along() -> None:
    job = Job(Counting, budget=1e6)
    job.start()
    until(lambda: job.report.frames and job.report.iteration > 3)
    job.stop()
    assert job.join(20)
    assert job.report.frames
    before = job.report.number
    job.park()
    assert job.report.frames == ()
    assert job.report.number > before, "the page is told"
