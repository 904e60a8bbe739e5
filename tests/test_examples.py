"""The example that a newcomer reads first runs, learns, and stays short."""

import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "abp_minimal.py"


def test_the_minimal_example_learns_and_writes_a_sample(tmp_path: Path) -> None:
    sample = tmp_path / "sample.png"
    result = subprocess.run(
        [sys.executable, str(EXAMPLE), "40", str(sample)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    misfits = [float(value) for value in re.findall(r"misfit ([\d.]+)", result.stdout)]
    assert misfits[-1] < misfits[0] / 2
    with Image.open(sample) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (64, 64))


def test_the_minimal_example_is_at_most_forty_lines() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 40
