"""The documentation names what there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("benchmarks/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def questions() -> list[tuple[str, str]]:
    """Each of the page's questions and the file that answers it."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("<!-- questions -->")[1].split("\n\n")[0]
    return re.findall(r"^\| (.+?\?) \| \[.+?\]\(\.\./(.+?)\) \|$", table, re.M)


def test_there_are_twelve_questions() -> None:
    assert len(questions()) == 12
    assert len(dict(questions())) == 12


@pytest.mark.parametrize(("question", "path"), questions())
def test_the_file_that_answers_a_question_is_there(question: str, path: str) -> None:
    assert (ROOT / path).is_file(), question


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_leads_nowhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
