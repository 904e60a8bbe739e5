"""Everything that a comparison shows, in one picture."""

import base64
import io
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from PIL import Image, ImageDraw, ImageFont

from demo.runs.columns import Column
from demo.runs.run import Panel

WIDTH, GAP, LINE = 256, 16, 20  # pixels: of a picture, between them, of a line of text
PAPER, INK = (255, 255, 255), (28, 25, 23)


def draw_sheet(columns: Sequence[Column], titles: Mapping[str, str]) -> bytes:
    """A PNG: a column a method, below its title what is new, what it rebuilds, and the rest."""
    rows = list(zip_longest(*map(_stack, columns)))
    heights = [max((cell[1].height for cell in row if cell), default=0) for row in rows]
    size = (
        len(columns) * (WIDTH + GAP) + GAP,
        LINE + GAP + sum(height + LINE + GAP for height in heights),
    )
    sheet = Image.new("RGB", size, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    lefts = [GAP + k * (WIDTH + GAP) for k in range(len(columns))]
    for left, column in zip(lefts, columns, strict=True):
        pen.text((left, GAP / 2), titles[column.name], INK, font)
    top = LINE + GAP
    for row, height in zip(rows, heights, strict=True):
        for left, cell in zip(lefts, row, strict=True):
            if cell is not None:
                caption, picture = cell
                pen.text((left, top), caption, INK, font)
                sheet.paste(picture, (left, top + LINE))
        top += height + LINE + GAP
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _stack(column: Column) -> list[tuple[str, Image.Image] | None]:
    """Captions and pictures of a column from above; None for what it has not got."""
    pictures = column.pictures
    panels = [pictures.new, pictures.rebuilt, *pictures.shown]
    return [(panel.caption, _picture(panel)) if panel else None for panel in panels]


def _picture(panel: Panel) -> Image.Image:
    content = base64.b64decode(panel.picture.partition(",")[2])
    with Image.open(io.BytesIO(content)) as picture:
        size = (WIDTH, max(1, round(WIDTH * picture.height / picture.width)))
        return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
