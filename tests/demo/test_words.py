"""What the page says, in the words of one who never saw the paper."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "demo").rglob("*.html"))
SAID = ("alt", "title", "aria-label", "placeholder")  # attributes that a visitor reads or hears


class Heard(HTMLParser):
    """The words of a page: its texts, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.words += [value for name, value in attrs if name in SAID and value]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_there_is_one_word_for_z(template: Path) -> None:
    heard = Heard()
    heard.feed(template.read_text(encoding="utf-8"))
    words = " ".join(heard.words).replace("(the latents)", "")  # said once, for who knows the term
    assert not re.search("latent", words, re.IGNORECASE)


def test_the_word_is_found_where_it_is_said() -> None:
    heard = Heard()
    heard.feed('<p class="latent">a <b title="The latents">code</b></p>')
    assert heard.words == ["a ", "The latents", "code"]
