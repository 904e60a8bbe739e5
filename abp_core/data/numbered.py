"""Whether the pictures of a zip are the frames of a film, by their names and sizes."""

import re
from pathlib import Path

from abp_core.data import sets
from abp_core.data.decode import decode_bytes

FEWEST = 8  # as a film has
NUMBERED = re.compile(r"(.*?)(\d+)\.[A-Za-z]+")
LOOKED_AT = (0, 0.5, 1)  # where in it pictures are opened, since all of them take long


def are_frames(path: Path) -> bool:
    """Whether a zip holds pictures of one name with numbers that follow one another, and of one
    size. A file that is no such zip holds none."""
    try:
        with sets.opened_zip(path) as archive:
            members = sets.members_of(archive)
            if len(members) < FEWEST or not _follow([Path(name).name for name, _ in members]):
                return False
            chosen = [members[round(share * (len(members) - 1))] for share in LOOKED_AT]
            return len({decode_bytes(read(), name).size for name, read in chosen}) == 1
    except Exception as error:  # zipfile raises many kinds; whoever reads it says what is wrong
        if isinstance(error, MemoryError):
            raise
        return False


def _follow(names: list[str]) -> bool:
    found = [NUMBERED.fullmatch(name) for name in names]
    if not all(found):
        return False
    numbers = sorted(int(each[2]) for each in found if each)
    alike = len({each[1] for each in found if each}) == 1
    return alike and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
