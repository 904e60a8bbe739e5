"""The six steps that teach the method; their texts are in the file beside this one."""

import json
from pathlib import Path

# Of each {title, words: two sentences, task: one thing to do, formula: the same as a formula,
# place: the address of the prepared state, relative to the studio}.
STEPS: list[dict[str, str]] = json.loads(
    Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
)
