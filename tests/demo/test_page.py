"""The page as a stranger with a keyboard meets it: what it serves, and what it survives."""

import http.client
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

import app
from demo import disk, limits, page
from demo.runs.report import (
    AT_WORK,
)
from demo.runs.sessions import new_token
from demo.runs.settings import FILM_STYLES, STYLES
from demo.server.served import DRAWN, FOLDERS
from demo.server.turns import Lanes
from demo.studio import PACK, Studio
from demo.synthesise.form import BEGINNINGS, SOURCES
from tests.demo.runs import UNTRAINED, arrived, until

pytestmark = [  # Gradio's own
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
]

ROOT = Path(__file__).parents[2]
ENDPOINTS = {
    *("_greet", "arrive", "arrive_1", "choose_model", "open_model", "take_run"),
    *("take_run_1", "choose", "describe", "describe_1", "inspect", "take_as", "recognise"),
    *("begin", "hold", "halt"),
    *("shorten", "carry", "carry_1", "explore_model", "explore_model_1", "explore_model_2"),
    *("explore_model_3", "explore_model_4", "fit", "fit_1", "fit_2", "fit_3", "fit_4"),
    *("synthesise", "synthesise_1", "make_first", "make_first_1", "make_first_2"),
    *("make_first_3", "make_first_4", "make_first_5", "open_tab", "infer_with"),
    *("infer_with_1", "infer_with_2", "infer_with_3", "infer_with_4", "bring", "take"),
    *("choose_data", "show_more", "show_more_1", "show_more_2", "show_more_3", "learn"),
    *("hold_repair", "halt_repair", "open_picture", "open_example", "open_first"),
    *("open_first_1", "recognise_data", "show_more_4", "take_film", "repair"),
    *("use_compared", "explore_model_5", "fit_5", "make_first_6"),
    *("infer_with_5", "choose_compared", "inspect_compared", "compare", "hold_comparison"),
    *("halt_comparison", "carry_comparison", "carry_comparison_1", "carry_method"),
}
JSON = {"Content-Type": "application/json"}


class Served:
    """The launched studio, spoken to by plain HTTP."""

    def __init__(self, blocks: gr.Blocks, studio: Studio) -> None:
        self.blocks, self.studio = blocks, studio
        self.address = str(blocks.local_url)

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.address + path, body, headers or JSON)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def call(self, endpoint: str, body: bytes) -> str:
        """Posts to an endpoint and reads all that comes back."""
        status, reply = self.ask(f"gradio_api/call/{endpoint}", body)
        if status != 200:
            return f"{status} {reply.decode(errors='replace')}"
        event = json.loads(reply)["event_id"]
        status, reply = self.ask(f"gradio_api/call/{endpoint}/{event}")
        return f"{status} {reply.decode(errors='replace')}"

    def answers(self) -> bool:
        """Whether it still serves the page and takes a good request."""
        body = json.dumps({"data": [self.arrive()]}).encode()
        return self.ask("")[0] == 200 and 'data: [""]' in self.call("halt", body)

    def arrive(self) -> str:
        """The token of a new visitor whose page has opened."""
        token = new_token()
        assert "Current model" in self.call("arrive", json.dumps({"data": [token, {}]}).encode())
        return token

    def live(self, **sent: Any) -> tuple[int, Any]:
        """What an open page asks for now and then: status and answer."""
        status, reply = self.ask("studio/live", json.dumps(sent).encode())
        return status, json.loads(reply) if reply else None


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What `python app.py` runs, in a thread; its Ctrl-C comes with the end of the tests."""
    launched: list[tuple[gr.Blocks, Studio]] = []
    over = threading.Event()

    def build(studio: Studio, lanes: Lanes) -> gr.Blocks:
        launched.append((page.build(studio, lanes), studio))
        return launched[0][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "page", SimpleNamespace(build=build, HEAD=page.HEAD))
        folder = tmp_path_factory.mktemp("studio")
        patch.setenv(disk.VARIABLE, str(folder))
        patch.setenv("GRADIO_TEMP_DIR", str(folder))  # the studio sets it; this sets it back
        main = threading.Thread(target=app.main, args=(over,), name="app")
        main.start()
        until(lambda: launched and getattr(launched[0][0], "local_url", None), 60)
        yield Served(*launched[0])
        over.set()
        main.join(30)
        assert not main.is_alive()


def test_every_endpoint_is_known(studio: Served) -> None:
    config = studio.blocks.get_config_file()
    found = {d["api_name"] for d in config["dependencies"] if d["backend_fn"]}
    assert found == ENDPOINTS, "a new endpoint needs its place among the tests below"


def test_the_page_is_handed_the_bounds_of_the_server(studio: Served) -> None:
    components = studio.blocks.get_config_file()["components"]
    handed = {c["props"].get("elem_id"): c["props"] for c in components}
    assert handed["abp-explore"]["value"]["bounds"] == {
        "farthest": limits.FARTHEST,
        "plane": limits.PLANE,
        "edits": limits.EDITS,
        "digits": limits.CELL_DIGITS,
        "seed": limits.SEED[1],
        "kept": limits.KEPT_POINTS,
    }
    assert handed["abp-infer"]["value"]["bounds"] == {"chains": limits.CHAINS}
    assert handed["abp-pan"]["value"]["bounds"] == {
        "strokes": limits.STROKES,
        "places": limits.PLACES,
        "span": limits.SPAN,
        "tile": limits.TILE,
    }
    live = handed["abp-live"]["props"]
    assert live["working"] == AT_WORK
    assert live["pace"] == pytest.approx(1 / limits.VIEWS_PER_SECOND)


def test_the_pack_the_models_and_the_pictures_are_served(studio: Served) -> None:
    for folder, path in (
        ("examples", "sounds/clock.flac"),
        ("models", "pebbles.safetensors"),
        ("assets", "welcome-data.jpg"),
    ):
        status, content = studio.ask(f"studio/{folder}/{path}")
        assert status == 200
        assert content == (FOLDERS[folder] / path).read_bytes()
    for card in studio.studio.cards():
        assert studio.ask(f"studio/drawn/{card.name}.jpg") == (200, card.picture)


@pytest.mark.parametrize(
    "path",
    [
        *(str(ROOT / name) for name in ("app.py", "demo/limits.py", ".git/config", "demo")),
        *("app.py", "demo/limits.py", "../app.py", "../../../../../../etc/passwd"),
        *("/etc/passwd", "/etc", "/", "//etc/passwd", "file:///etc/passwd", "/proc/self/environ"),
        *(f"{PACK}/../../app.py", f"{PACK}/%2e%2e/%2e%2e/app.py", f"{PACK}/..%2f..%2f"),
        *(f"{PACK}", f"{PACK}/sounds/clock.flac", "../../app.py", "..%2f..%2fapp.py"),
        *("%2e%2e/%2e%2e/app.py", "/%2fetc/passwd", "sounds", "sounds/", "%00"),
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_nothing_else_is_served(studio: Served, path: str) -> None:
    prefixes = ("gradio_api/file=", "gradio_api/file/", "file=", "static/", "assets/", "studio/")
    for prefix in (*prefixes, *(f"studio/{name}/" for name in (*FOLDERS, DRAWN))):
        status, _ = studio.ask(prefix + path)
        assert status in (400, 403, 404, 405), (prefix, status)


def test_a_file_that_a_visitor_took_home_is_not_served_from_its_folder(studio: Served) -> None:
    visit = studio.studio.sessions.visit(arrived(studio.studio))
    path = visit.place(studio.studio.disk, "model.safetensors")
    path.write_bytes(b"x")
    assert studio.ask(f"gradio_api/file={path}")[0] == 403


def garbage() -> list[bytes]:
    """Bodies that no page of ours would send."""
    n = 16
    values: list[Any] = [None, float("nan"), float("-inf"), "x" * 100_000, -1, 1e308, True, [], {}]
    values += [{"item": {}, "kind": []}, {"path": "/etc/passwd"}, [[]] * 50, "\u0000", "🔁" * 20]
    bodies = [json.dumps({"data": [value] * n}).encode() for value in values]
    bodies += [json.dumps({"data": [value]}).encode() for value in values[:6]]
    bodies += [json.dumps({"data": value}).encode() for value in (None, 5, "x", {}, [])]
    forged = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    bodies += [json.dumps({"data": [forged] * n}).encode()]
    bodies += [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"data":' + b"[" * 5000,
        b'{"data":["\\ud800"]}',
    ]
    return bodies


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_garbage_leaves_the_studio_answering(studio: Served, endpoint: str) -> None:
    before = set(studio.studio.sessions._visits)
    for body in garbage():
        reply = studio.call(endpoint, body)
        assert "Traceback" not in reply
        assert "root:" not in reply
    assert studio.answers()
    visits = studio.studio.sessions._visits
    assert all(len(token) <= 64 for token in visits)
    assert len(set(visits) - before) <= 1, "what is no token leaves nothing behind"
    assert not any(visit.spoken for visit in visits.values())


def servers(studio: Served) -> dict[str, int]:
    """The functions that a component's script may call, and the component of each."""
    return {
        name: component["id"]
        for component in studio.blocks.get_config_file()["components"]
        for name in component["props"].get("server_fns") or []
        if name != "accept_blobs"  # the image editor's own
    }


def test_what_a_script_may_call_survives_garbage(studio: Served) -> None:
    known = servers(studio)
    assert set(known) == {
        *("look", "sprite", "journey", "chunk", "piece", "tile", "frames"),
        *("begin", "advance", "land", "heard", "slowly", "frame"),
    }
    token = arrived(studio.studio)
    studio.studio.choose(token, "pebbles")
    sent: list[Any] = [None, [], "x" * 1000, 1e308, {}, {"token": token}, {"token": {}, "key": []}]
    sent += [
        {"token": token, "key": "pebbles", **rest}
        for rest in (
            {"point": {"edits": [[]] * 30, "z": [[]]}, "what": {}, "points": "x"},
            {"point": [1], "what": "panel", "points": [{}, {"seed": -1}]},
            {"strokes": [{"seed": 1, "places": [[]]}], "across": 0, "down": 0},
            {"strokes": {"x": 1}, "left": 0, "top": 0, "columns": -1, "rows": 10**9},
            {"k": 10**9, "width": "x", "speed": [], "windows": {}, "begin": "x", "begun": 1e308},
            {"point": {"seed": 10**400}, "what": "../x", "points": [None] * 10**4},
        )
    ]
    for name, component in known.items():
        for data in sent:
            body = {"data": data, "component_id": component, "fn_name": name, "session_hash": "x"}
            status, reply = studio.ask("gradio_api/component_server/", json.dumps(body).encode())
            assert status == 200, (name, data)
            assert b"Traceback" not in reply
            assert "refusal" in (answer := json.loads(reply)) or token in str(data), answer
    assert studio.answers()


def made_with(picture: Any) -> list[Any]:
    """What the Synthesise tab asks for, beside the token."""
    return [
        "texture",
        64,
        64,
        "no",
        1,
        picture,
        16,
        True,
        1,
        False,
        1,
        False,
        1,
        False,
        1,
        1,
        BEGINNINGS[0],
        "1",
        SOURCES[0],
        1,
        1,
    ]


@pytest.mark.parametrize(
    "endpoint",
    [
        *("inspect", "recognise", "begin", "open_model", "bring", "open_picture", "recognise_data"),
        *("learn", "show_more", "synthesise", "inspect_compared", "compare"),
    ],
)
def test_a_file_that_was_not_uploaded_is_not_read(studio: Served, endpoint: str) -> None:
    """A path in the server's own words must be one that the server itself gave out."""
    for path in ("/etc/passwd", str(ROOT / "app.py"), "../app.py"):
        forged = {"path": path, "meta": {"_type": "gradio.FileData"}}
        token = arrived(studio.studio)
        data: dict[str, list[Any]] = {
            "inspect": [token, forged, STYLES[0], FILM_STYLES[0]],
            "recognise": [token, forged],
            "open_model": [token, forged],
            "bring": [token, {}, forged],
            "open_picture": [token, forged],
            "recognise_data": [token, forged],
            "learn": [token, {"item": ""}, forged, "colour", "", "", 1, None, "Quick", 1],
            "show_more": [token, {"item": ""}, forged, "painted", "", ""],
            "synthesise": [token, *made_with(forged)],
            "begin": [token, {"item": ""}, forged, *UNTRAINED[1:], 1, *[""] * 8],
            "inspect_compared": [token, forged],
            "compare": [token, {"item": ""}, forged, {"chosen": ["paper", "learnt-prior"]}, 2],
        }
        reply = studio.call(endpoint, json.dumps({"data": data[endpoint]}).encode())
        assert "event: error" in reply
        assert studio.studio.runs.live(token) is None
        assert studio.studio.runs.live(token, "compare") is None


def multipart(size: int) -> tuple[bytes, str]:
    body = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return body + bytes(size) + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def test_an_upload_beyond_the_limit_is_refused(studio: Served) -> None:
    body, kind = multipart(1000)
    status, reply = studio.ask("gradio_api/upload", body, **{"Content-Type": kind})
    assert (status, len(json.loads(reply))) == (200, 1)
    body, kind = multipart(limits.UPLOAD_MB * 2**20 + 1000)
    try:
        status, _ = studio.ask("gradio_api/upload", body, **{"Content-Type": kind})
    except (urllib.error.URLError, ConnectionError, http.client.HTTPException):
        status = 413  # it hung up before it had read all of it
    assert status == 413
    assert studio.answers()
    kept = [path for path in studio.studio.disk.cache.rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in kept] == [1000], "what was refused does not lie here"


def train(studio: Served, token: str, steps: str = "1") -> str:
    """Begins a light run on pebbles."""
    data = [token, {"kind": "texture", "item": "pebbles"}, *UNTRAINED, 1]
    knobs = [steps, "", "", "", "", "2", "", ""]  # steps, batch size
    return studio.call("begin", json.dumps({"data": data + knobs}).encode())


def test_a_visitor_by_plain_http_trains_and_stops(studio: Served) -> None:
    token = studio.arrive()
    assert 'data: [""]' in train(studio, token)
    first = studio.studio.runs.live(token)
    assert first is not None
    assert "no number" in train(studio, token, steps="many")
    second = studio.studio.runs.live(token)
    assert second is not None
    assert second.number == first.number
    reply = studio.call("halt", json.dumps({"data": [token]}).encode())
    assert 'data: [""]' in reply
    until(lambda: studio.studio.runs.live(token).report.phase == "stopped")  # type: ignore[union-attr]


@pytest.mark.parametrize("endpoint", ["begin", "halt", "choose_model", "take_run", "synthesise"])
def test_who_never_opened_the_page_orders_nothing(studio: Served, endpoint: str) -> None:
    token = new_token()
    data: dict[str, list[Any]] = {
        "begin": [{"kind": "texture", "item": "pebbles"}, *UNTRAINED, 1, *[""] * 8],
        "choose_model": [{"name": "pebbles"}],
        "synthesise": made_with(None),
    }
    body = json.dumps({"data": [token, *data.get(endpoint, [])]}).encode()
    assert "lost its place; please reload it" in studio.call(endpoint, body)
    assert token not in studio.studio.sessions._visits


def test_an_open_page_is_told_of_its_run_and_one_that_goes_away_is_noticed(
    studio: Served,
) -> None:
    token = studio.arrive()
    visit = studio.studio.sessions.visit(token)
    assert not visit.spoken
    status, told = studio.live(token=token)
    assert (status, told["runs"]) == (200, {"learn": None, "repair": None, "compare": None})
    assert studio.live(token=token, seen=told["seen"]) == (204, None)
    assert visit.spoken
    train(studio, token)
    until(lambda: studio.live(token=token)[1]["runs"]["learn"]["curves"]["iterations"])
    assert studio.studio.sessions.watched(token)
    assert visit.here_until > monotonic()
    assert studio.live(token=token, leaving=True) == (204, None)
    assert visit.here_until <= monotonic()
    studio.studio.runs.stop(token)


def test_a_page_that_the_studio_does_not_know_is_told_so(studio: Served) -> None:
    before = set(studio.studio.sessions._visits)
    for token in (new_token(), "", None, 5, [], {}, "x" * 100_000, "é" * 20):
        for more in ({}, {"leaving": True}, {"hidden": True}, {"seen": [[]] * 50}):
            status, told = studio.live(token=token, **more)
            assert (status, told["unknown"]) == (200, True)
    assert set(studio.studio.sessions._visits) == before
    for body in garbage():
        status, reply = studio.ask("studio/live", body)
        assert status in (200, 400)
        assert status == 400 or json.loads(reply)["unknown"]
    assert studio.ask("studio/live")[0] == 405
    assert studio.answers()


def test_the_server_says_nothing_about_itself(studio: Served) -> None:
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    for path in ("monitoring", "gradio_api/monitoring/summary"):
        status, reply = studio.ask(path)
        assert status in (401, 403, 404) or b"not enabled" in reply
