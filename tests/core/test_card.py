"""What a graphics card is asked, asked of a stand-in (tests/card.py) in a process of its own."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.on_card import CASES, answers_of

ROOT = Path(__file__).parents[2]
# An iteration is given what it cannot know and tells its figures, for which the host waits once;
# it does the same for as many iterations as are queued at once.
MOST_TRANSFERS, MOST_WAITS = 8, 1


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What every case answered."""
    return answers_of("tests.on_card", CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_run_on_the_card_is_the_run_on_the_cpu(
    answers: dict[str, dict[str, Any]], case: str
) -> None:
    answer = answers[case]
    assert "error" not in answer, answer["error"]
    assert answer["differing"] == []
    assert answer["diverged"] == 0, "what diverges does not learn"
    assert answer["away"] == [], "a file holds what lies on the CPU"
    assert answer.get("updates") != 0, "nothing was learnt"
    assert answer.get("unordered", []) == [], "a run is to end in the same bits every time"
    assert len(answer["transfers"]) <= MOST_TRANSFERS, answer["transfers"]
    assert len(answer["waits"]) <= MOST_WAITS, answer["waits"]


@pytest.mark.parametrize("fault", ["apart", "moved", "waited"])
def test_the_stand_in_refuses_what_a_card_refuses(fault: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS[fault]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].startswith(f"tests.card.{REFUSED[fault]}")


BEGIN = """
import torch
from tests import card
with card.present(), card.recording() if {recording} else card.present():
    x = torch.ones(2, 3, device=card.DEVICE) + 1  # a number of the host counts as a constant
"""
FAULTS = {
    "apart": BEGIN.format(recording=False) + "    x + torch.ones(3)\n",
    "moved": BEGIN.format(recording=True) + "    torch.ones(3).to(x)\n",
    "waited": BEGIN.format(recording=True) + "    float(x.sum())\n",
}
REFUSED = {"apart": "WrongDevice", "moved": "Forbidden", "waited": "Forbidden"}
