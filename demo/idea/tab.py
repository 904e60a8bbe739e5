"""The tab of the idea: the whole method on points of the plane, all of it in the browser."""

from pathlib import Path

from demo.widgets import formula, widget


def build() -> None:
    """It asks the studio for nothing."""
    widget("idea/idea", {})
    formula(Path(__file__).parent)
