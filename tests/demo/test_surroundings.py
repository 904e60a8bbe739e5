"""Where a studio stands: code pages, proxies, odd paths, a temporary folder that others use."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from demo.disk import VARIABLE, Disk
from tests.demo.served import ROOT, Page, Server

ODD = "a #b%20c & 'd' \u00e9\u7df4"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
NOBODY = "http://127.0.0.1:9"  # where nothing answers
CODE_PAGE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The studio's code by a path that an address would read otherwise."""
    folder = tmp_path / ODD
    folder.mkdir()
    for name in ("app.py", "abp_core", "demo", "checkpoints"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.mark.parametrize("surroundings", ["code page", "proxies", "path"])
def test_it_starts_and_shows_everything(
    surroundings: str, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = dict(CODE_PAGE) if surroundings == "code page" else {}
    if surroundings == "proxies":
        changes = {n: NOBODY for name in PROXIES for n in (name, name.lower())}
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    root = elsewhere if surroundings == "path" else ROOT
    server = Server(tmp_path / ODD / "files", tmp_path / "log", root=root)
    try:
        page = Page(server)
        assert "Current model" in page.open()
        for path in ("assets/welcome-data.jpg", "models/pebbles.jpg", "drawn/stream.jpg"):
            assert server.ask(f"studio/{path}")[0] == 200
        picture = (ROOT / "demo" / "assets" / "repair-0.jpg").read_bytes()
        head = b'Content-Disposition: form-data; name="files"; filename="a b#%.png"'
        body = b"\r\n".join([b"--b", head, b"", picture, b"--b--", b""])
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        status, reply, _ = server.ask("gradio_api/upload", body, **kind)
        assert status == 200
        (kept,) = json.loads(reply)
        assert Path(kept).read_bytes() == picture
    finally:
        server.process.terminate()
        server.process.wait(timeout=60)


def test_it_does_not_start_on_a_device_that_is_not_here(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "ABP_DEVICE": "gpu", "ABP_STUDIO_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].startswith("ABP_DEVICE is gpu; please set it to")
    assert "Traceback" not in ran.stderr
    assert not list(tmp_path.iterdir())


def test_a_temporary_folder_that_others_have_prepared_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    user = os.getuid() if hasattr(os, "getuid") else 0
    usual, trap = tmp_path / f"abp-studio-{user}", tmp_path / "trap"
    trap.mkdir()
    usual.symlink_to(trap)
    disk = Disk()
    try:
        assert disk.base != trap
        assert not list(trap.iterdir())
    finally:
        disk.close()
    usual.unlink()
    disk = Disk()
    disk.close()
    assert disk.base == usual.resolve()


STARTED = """
import sys
from demo import page
from demo.disk import Disk
from demo.runs.threads import one_thread
from demo.server.turns import Lanes
from demo.studio import Studio
studio = Studio(Disk())
page.build(studio, Lanes(one_thread))
for card in studio.collection.cards():
    studio.collection.model(card.name)
print(*sorted({"torch._dynamo", "sympy", "scipy"} & set(sys.modules)))
"""


def test_nobody_waits_at_the_start_for_what_nobody_has_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's compiler and its algebra take two seconds to load, SciPy one."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "files"))
    command = [sys.executable, "-W", "ignore", "-c", STARTED]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran.stderr
