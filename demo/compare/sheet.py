"""Everything that a comparison shows, in one picture."""

import base64
import io
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from demo.runs.columns import Column
from demo.runs.run import Panel

SIDE, GAP, LINE = 256, 16, 20  # pixels: of a picture, between them, of a line of text
PAPER, INK = (255, 255, 255), (28, 25, 23)


def draw_sheet(columns: Sequence[Column], titles: Mapping[str, str]) -> bytes:
    """A PNG: a column a method, below its title what is new, what it rebuilds, and the rest."""
    stacks = [_stack(column) for column in columns]
    rows = max(map(len, stacks))
    size = (len(columns) * (SIDE + GAP) + GAP, LINE + GAP + rows * (SIDE + LINE + GAP))
    sheet = Image.new("RGB", size, PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for k, (column, stack) in enumerate(zip(columns, stacks, strict=True)):
        left = GAP + k * (SIDE + GAP)
        pen.text((left, GAP / 2), titles[column.name], INK, font)
        for row, panel in enumerate(stack):
            top = LINE + GAP + row * (SIDE + LINE + GAP)
            caption = panel.caption if panel else "infers nothing"
            pen.text((left, top), caption, INK, font)
            if panel:
                sheet.paste(_picture(panel), (left, top + LINE))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _stack(column: Column) -> list[Panel | None]:
    pictures = column.pictures
    return [pictures.new, pictures.rebuilt, *pictures.shown]


def _picture(panel: Panel) -> Image.Image:
    content = base64.b64decode(panel.picture.partition(",")[2])
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
