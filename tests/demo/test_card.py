"""What the studio asks a graphics card, asked of a stand-in (tests/card.py) in a process of its
own."""

from typing import Any

import pytest

from tests.demo.on_card import CASES
from tests.on_card import answers_of


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """What every case answered."""
    return answers_of("tests.demo.on_card", CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_card_makes_what_the_cpu_makes(answers: dict[str, dict[str, Any]], case: str) -> None:
    answer = answers[case]
    assert "error" not in answer, answer["error"]
    assert answer["differing"] == []
    assert answer["moved"], "the card was not asked"


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("slider")])
def test_a_slider_sends_latents_and_gets_a_signal_and_no_more(
    answers: dict[str, dict[str, Any]], case: str
) -> None:
    (forth, latents), (back, signal) = answers[case]["moved"]
    assert (forth, back) == ("to", "from")
    assert latents[0] == signal[0] == 1
