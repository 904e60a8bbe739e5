"""A member of a comparison in one safetensors file, to go on from or to be used."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from abp_core.checkpoint.file import MOST_BYTES, encode
from abp_core.data.atomic import open_atomically
from abp_core.errors import Refusal
from abp_core.family.member import Member
from abp_core.family.methods import METHODS
from abp_core.family.trial import Trial

FORMAT = "abp-family-1"


class MemberRejected(Refusal):
    """A file that is no member of a comparison of this data. The message is one sentence."""


def save(name: str, member: Member, path: Path) -> None:
    """Writes the method `name` as it stands, to go on from. Raises OSError."""
    with open_atomically(path) as file:
        file.write(content(name, member))


def save_model(name: str, member: Member, path: Path) -> None:
    """Writes what was learnt to be used: of a method with a generator the model that the studio and
    the command line open, of others what `save` writes. Raises OSError."""
    made = member.checkpoint()
    if made is None:
        save(name, member, path)
    else:
        made.save(path)


def content(name: str, member: Member) -> bytes:
    """Of the file."""
    header = {
        "format": FORMAT,
        "method": name,
        "digest": member.trial.data.digest,
        "numbers": json.dumps([member.seed, member.iteration, member.seconds]),
    }
    tensors = {key: tensor.contiguous() for key, tensor in member.tensors().items()}
    return encode(header, tensors)


def load(path: Path, trial: Trial) -> tuple[str, Member]:
    """The method's name, and the member as it was saved, on the data that it learnt from. Raises
    MemberRejected."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MemberRejected(f"{path.name} is too large to be of this program.")
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT or header["method"] not in METHODS:
                raise MemberRejected(
                    f"{path.name} is no method of a comparison; please choose one that was saved "
                    "there."
                )
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if header["digest"] != trial.data.digest:
            raise MemberRejected(
                f"{path.name} did not learn from this data; please choose that as well."
            )
        seed, iteration, seconds = json.loads(header["numbers"])
        member = METHODS[header["method"]].build(trial, seed)
        member.resume(tensors, iteration, seconds)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise MemberRejected(f"{path.name} is damaged; please choose another file.") from error
    return header["method"], member
