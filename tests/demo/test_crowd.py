"""One visitor never breaks another: the studio in a process of its own, under a crowd."""

import ast
import http.client
import inspect
import json
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import gradio as gr
import pytest

from demo import limits
from demo.runs.sessions import new_token
from demo.server.turns import Lanes
from demo.studio import Studio
from tests.demo.runs import until
from tests.demo.served import ROOT, Page, Server, at_once, serving

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning")]  # Gradio's own

CALLS = 2000  # of the generated ones


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("crowd"), SECONDS_UNHEARD=3.0) as server:
        yield server
        assert server.process.poll() is None
    assert not server.own_faults()


def seconds_of(work: Any) -> float:
    begun = monotonic()
    work()
    return monotonic() - begun


# Open pages.


def test_sixty_open_pages_hold_no_place_and_a_choice_of_model_answers_within_a_second(
    server: Server,
) -> None:
    pages = [Page(server) for _ in range(60)]
    with ThreadPoolExecutor(8) as threads:
        bars = list(threads.map(Page.open, pages))
    assert all("Current model" in bar for bar in bars)
    over = threading.Event()

    def stay(page: Page) -> None:
        while not over.wait(2):  # as often as a page asks that waits
            page.live()

    watching = at_once([lambda page=page: stay(page) for page in pages])
    try:
        mine = Page(server)
        mine.open()
        took = [
            seconds_of(lambda name=name: mine.call("choose_model", mine.token, {"name": name}))
            for name in ("pebbles", "toon_faces_64", "rain", "pebbles", "toon_faces_64", "rain")
        ]
    finally:
        over.set()
        for thread in watching:
            thread.join(20)
    assert sorted(took)[2] < 1, took


def test_a_page_needs_no_connection_that_stays_open(server: Server) -> None:
    """A browser has six of them for all its pages of a host."""
    assert not server.config["connect_heartbeat"]


def test_joins_that_nobody_listens_to_are_let_go(server: Server) -> None:
    """More of them than the queue has places would make it deaf."""
    assert server.ask("gradio_api/queue/status")[0] == 200
    for _ in range(120):
        page = Page(server)
        page.join("synthesise", page.token, "objects", *[None] * 13)
    mine = Page(server)
    assert "Current model" in mine.open()
    assert mine.call("choose_model", mine.token, {"name": "pebbles"})
    sleep(limits.SECONDS_UNHEARD / 10 + 6)  # the studio of these tests waits a tenth as long
    assert json.loads(server.ask("gradio_api/queue/status")[1])["queue_size"] == 0


# Turns.


def test_every_handler_takes_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None runs in the framework's own threads, where one that waits would hold up others."""
    from demo import page
    from demo.disk import Disk

    studio, lanes = Studio(Disk(tmp_path)), Lanes()
    try:
        blocks: gr.Blocks = page.build(studio, lanes)
        for event in blocks.fns.values():
            if event.fn is not None and event.queue:
                assert inspect.iscoroutinefunction(event.fn) or inspect.isasyncgenfunction(
                    event.fn
                ), event.api_name
            assert event.api_visibility == "private"
    finally:
        lanes.close()
        studio.close()


def test_sixty_calls_of_one_visitor_leave_the_sliders_of_others_alone(server: Server) -> None:
    greedy, other = Page(server), Page(server)
    for page in (greedy, other):
        page.open()
        page.call("choose_model", page.token, {"name": "toon_faces_64"})
        assert "picture" in page.script("look", key="toon_faces_64", point={"seed": 1})
    answers: list[Any] = []

    def flood(k: int) -> None:
        what = ("strip", "panel", "film")[k % 3]
        points = [{"seed": k + j} for j in range(4)]
        answers.append(greedy.script("journey", key="toon_faces_64", points=points, what=what))
        answers.append(greedy.script("look", key="toon_faces_64", point={"seed": k}))

    threads = at_once([lambda k=k: flood(k) for k in range(60)])
    took = []
    while any(thread.is_alive() for thread in threads):
        took.append(
            seconds_of(lambda: other.script("look", key="toon_faces_64", point={"seed": len(took)}))
        )
    for thread in threads:
        thread.join(60)
    assert len(answers) == 120
    turned_away = [answer for answer in answers if "newer wish" in answer.get("refusal", "")]
    assert turned_away
    assert sorted(took)[len(took) // 2] < 0.3, took


def test_no_generator_of_ours_yields_inside_a_block_that_belongs_to_its_thread() -> None:
    """The framework takes the next step in any thread; a mode that was left open in one would
    poison whoever computes there next."""
    modes = {"inference_mode", "no_grad", "enable_grad", "set_grad_enabled", "autocast"}
    found = []
    for folder in ("demo", "abp_core"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for block in ast.walk(tree):
                if not isinstance(block, ast.With):
                    continue
                names = {
                    part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "")
                    for item in block.items
                    for part in ast.walk(item.context_expr)
                }
                yields = any(
                    isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(block)
                )
                if names & modes and yields:
                    found.append(f"{path.relative_to(ROOT)}:{block.lineno}")
    assert not found


def test_two_who_repair_poison_no_thread(server: Server) -> None:
    """Others walk and look meanwhile, in the same threads."""
    repairing, walking = [Page(server), Page(server)], [Page(server), Page(server)]
    for page in (*repairing, *walking):
        page.open()
        page.call("choose_model", page.token, {"name": "ankle_boot_32"})
    faults: list[Any] = []

    def repair(page: Page) -> None:
        drawn, _ = page.call("open_example", page.token)
        _, notice, *_ = page.call("repair", page.token, drawn, "the middle")
        faults.extend([notice] if notice else [])

    def walk(page: Page) -> None:
        for seed in range(6):
            wish = {"steps": 8, "chains": 2, "start": "prior", "seed": seed}
            begun = page.script("begin", key="ankle_boot_32", target={"example": seed}, wish=wish)
            answer = page.script("advance", walk=begun.get("walk", -1), first=1, chain=0)
            faults.extend(a for a in (begun, answer) if "refusal" in a)

    threads = at_once(
        [lambda page=page: repair(page) for page in repairing]
        + [lambda page=page: walk(page) for page in walking]
    )
    for thread in threads:
        thread.join(120)
    assert not faults


# Anything that anybody may post.


def values_for(component: dict[str, Any], draw: random.Random) -> Any:
    """Something for one input of an event: often what its component would send, often not."""
    kind = component["type"]
    own = {
        "textbox": ["", "pebbles", "1", "texture", "objects", "made", "waiting", "0,5"],
        "number": [0, 512, -1, 1e6, 16],
        "slider": [1, 3, 0.5, 20],
        "checkbox": [True, False],
        "radio": component["props"].get("choices")
        and [value for _, value in component["props"]["choices"]],
        "dropdown": ["scattered-70", "painted", "colour", "projections"],
        "html": [
            {"kind": "texture", "item": "pebbles"},
            {"kind": "objects", "item": "toon_faces_64"},
            {"name": "pebbles", "ready": True},
            {"take": {"walk": 1, "what": "film", "chain": 0}, "model": {"key": "pebbles"}},
            {"model": [], "take": 7},
        ],
    }.get(kind)
    junk: list[Any] = [
        *(None, "", "x" * 5000, "\x00", "🔁", -1, 0, 1e308, 10**40, True, [], {}, [[]] * 20),
        *({"path": "/etc/passwd"}, {"name": {}}, {"a": [{"b": None}]}, [None] * 30, "NaN", "../x"),
    ]
    return draw.choice(own) if own and draw.random() < 0.35 else draw.choice(junk)


def test_generated_calls_of_every_event_end_in_no_traceback_of_ours(server: Server) -> None:
    draw = random.Random(5)
    components = {component["id"]: component for component in server.config["components"]}
    events = [d for d in server.config["dependencies"] if d["backend_fn"]]
    pages = [Page(server) for _ in range(12)]
    for page in pages:
        page.open()
    scripts = [
        (component["id"], name)
        for component in server.config["components"]
        for name in component["props"].get("server_fns") or []
    ]

    def once(number: int) -> None:
        mine = Page(server, pages[number % 12].token if number % 3 else new_token())
        if number % 4 == 0:
            component, name = scripts[number // 4 % len(scripts)]
            fields = {
                field: values_for({"type": "html", "props": {}}, random.Random(number))
                for field in ("key", "point", "points", "what", "k", "seed", "walk", "first")
            }
            data: Any = {"token": mine.token, **fields} if number % 8 else fields["point"]
            server.ask(
                "gradio_api/component_server",
                {"data": data, "component_id": component, "fn_name": name, "session_hash": "x"},
            )
            return
        event = events[number % len(events)]
        data = [values_for(components[i], draw) for i in event["inputs"]]
        if number % 5:
            data = [
                mine.token if components[i]["type"] == "browserstate" else value
                for i, value in zip(event["inputs"], data, strict=True)
            ]
        try:
            server.ask(
                "gradio_api/queue/join",
                {"data": data, "fn_index": event["id"], "session_hash": mine.session},
            )
            for _ in mine.listen():
                pass
        except (http.client.HTTPException, OSError):
            pass  # what cannot be sent

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(once, range(CALLS)))
    assert not server.own_faults(), server.own_faults()[0]
    assert "Current model" in Page(server).open()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b'{"token": []}', b"[" * 9999])
def test_what_is_no_question_of_a_page_is_answered_all_the_same(
    server: Server, body: bytes
) -> None:
    status, content, _ = server.ask("studio/live", body)
    assert status in (200, 400)
    assert b"Traceback" not in content


# What a page tells of the server.


def test_the_page_names_no_path_of_the_server_and_is_sent_compressed(server: Server) -> None:
    for path in ("", "config"):
        status, content, told = server.ask(path)
        assert status == 200
        assert str(ROOT).encode() not in content
        assert str(Path.home()).encode() + b"/" not in content
        status, small, told = server.ask(path, **{"Accept-Encoding": "gzip"})
        assert told["content-encoding"] == "gzip"
        assert len(small) < len(content) / 3


def test_no_event_is_offered_to_programs(server: Server) -> None:
    assert {d["api_visibility"] for d in server.config["dependencies"]} == {"private"}
    info = json.loads(server.ask("gradio_api/info")[1])
    assert info["named_endpoints"] == {}
    assert info["unnamed_endpoints"] == {}


@pytest.mark.parametrize("path", ["", "studio/drawn/pebbles.jpg", "gradio_api/info", "nothing"])
def test_every_answer_carries_our_headers(server: Server, path: str) -> None:
    _, _, told = server.ask(path)
    assert told["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in told
    policy = told["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert not re.search(r"https?:", policy), "nothing of another host"
    assert "frame-ancestors *" in policy, "it may be embedded"


@pytest.mark.parametrize(
    "path", ["gradio_api/deep_link?session_hash=x", "gradio_api/runs", "gradio_api/stream/x/1/1/x"]
)
def test_what_the_studio_has_not_is_closed(server: Server, path: str) -> None:
    assert server.ask(path)[0] == 404


def multipart(sizes: list[int]) -> tuple[bytes, str]:
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="%d.png"\r\n\r\n'
    parts = b"".join(head % k + bytes(size) + b"\r\n" for k, size in enumerate(sizes))
    return parts + b"--b--\r\n", "multipart/form-data; boundary=b"


def test_many_files_in_one_request_are_bounded_together(server: Server) -> None:
    body, kind = multipart([2**20] * (limits.UPLOAD_MB + 2))
    try:
        status, _, _ = server.ask("gradio_api/upload", body, **{"Content-Type": kind})
    except OSError:
        status = 413  # it hung up before it had read all of it
    assert status == 413
    body, kind = multipart([1000] * 3)
    status, content, _ = server.ask("gradio_api/upload", body, **{"Content-Type": kind})
    assert (status, len(json.loads(content))) == (200, 3)


def test_a_request_that_is_no_upload_holds_little(server: Server) -> None:
    body = json.dumps({"token": "x" * (limits.REQUEST_MB * 2**20 + 2**17)}).encode()
    try:
        status, _, _ = server.ask("studio/live", body)
    except OSError:
        status = 413
    assert status == 413


# What ends, and what comes back.


def test_a_second_sigterm_is_no_traceback(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        page = Page(server)
        page.open()
        page.train()
        for _ in range(3):
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def phase(page: Page) -> str:
    told = page.live()
    return (
        str(told["runs"]["learn"]["stage"]["phase"]) if told and told["runs"].get("learn") else ""
    )


def test_a_run_is_taken_up_after_a_crash(tmp_path: Path) -> None:
    with serving(tmp_path, SECONDS_BETWEEN_SAVES=0.2) as server:
        page = Page(server)
        page.open()
        assert page.train() == ""
        runs = tmp_path / "studio" / "runs"
        until(
            lambda: any(
                '"model": ""' not in r.read_text(encoding="utf-8") for r in runs.glob("*/run.json")
            ),
            60,
        )
        token = page.token
        server.kill()
    with serving(tmp_path) as server:
        page = Page(server, token)
        assert page.live() == {"unknown": True, "server": page.live()["server"]}  # type: ignore[index]
        page.open()
        told = page.live()
        assert told is not None
        stage = told["runs"]["learn"]["stage"]
        assert stage["phase"] == "stopped"
        assert "restarted" in stage["detail"]
        saved = int(re.findall(r"iteration (\d+)", stage["detail"])[0])
        assert saved > 0
        assert stage["panels"], "with the pictures that were seen last"
        assert page.call("hold", token, "Train 1 more minute", 1) == [""]
        until(lambda: phase(page) == "running", 60)

        def iteration() -> int:
            told = page.live()
            found = re.findall(
                r"iteration (\d+)", told["runs"]["learn"]["stage"]["detail"] if told else ""
            )
            return int(found[0]) if found else 0

        until(lambda: iteration() > saved, 60)
        assert server.stop() == 0


def test_a_run_that_was_never_saved_is_told_to_be_gone(tmp_path: Path) -> None:
    with serving(tmp_path, SECONDS_BETWEEN_SAVES=1e6) as server:
        page = Page(server)
        page.open()
        page.train()
        until(lambda: list((tmp_path / "studio" / "runs").glob("*/run.json")), 60)
        token = page.token
        server.kill()
    with serving(tmp_path) as server:
        page = Page(server, token)
        page.open()
        told = page.live()
        assert told is not None
        assert told["runs"]["learn"]["stage"]["phase"] == "failed"
        assert "restarted" in told["runs"]["learn"]["stage"]["detail"]
        assert not list((tmp_path / "studio").glob("server-*/../server-x"))


CARD_THAT_FAILS = """
from pathlib import Path
import torch
from abp_core.trainer import Trainer

failed, whole = Path({failed!r}), Trainer.alternation

def alternation(self, most=1):
    if self.iteration == 5 and not failed.exists():
        failed.touch()
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    return whole(self, most)

Trainer.alternation = alternation
"""


def test_a_card_that_fails_begins_the_studio_anew_with_the_runs_as_they_were_saved(
    tmp_path: Path,
) -> None:
    first = CARD_THAT_FAILS.format(failed=str(tmp_path / "failed"))
    with serving(tmp_path, first=first, SECONDS_BETWEEN_SAVES=0.0) as server:
        page = Page(server)
        page.open()
        assert page.train() == ""
        told: list[str] = []

        def lost() -> bool:
            """Whether another studio answers, under the same address and number of process."""
            try:
                live = page.live() or {}
            except OSError:
                return False
            if "runs" in live and live["runs"].get("learn"):
                told.append(live["runs"]["learn"]["stage"]["detail"])
            return live.get("unknown") is True

        until(lost, 120)
        assert any("The graphics card failed" in sentence for sentence in told), told
        page.open()
        live = page.live() or {}
        assert live["runs"]["learn"]["stage"]["phase"] == "stopped"
        assert "saved at iteration 5." in live["runs"]["learn"]["stage"]["detail"]
        assert page.call("hold", page.token, "Train 1 more minute", 1) == [""]
        until(lambda: phase(page) == "running", 60)
        assert server.stop() == 0


MEMORY = """
import gc, sys
from pathlib import Path
from demo.disk import Disk
from demo.runs.settings import Settings
from demo.studio import Studio
from demo.train.service import Training

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024

gc.disable()  # memory comes back without the collector's help
studio = Studio(Disk(Path(sys.argv[1])))
settings = Settings(batch_size=2, steps=1)
after = []
for k in range(20):
    token = f"visitor-number-{k:04d}"
    studio.arrive(token)
    asked = {"item": "pebbles", "upload": "", "style": "Quick", "settings": settings}
    Training(studio).start(token, minutes=1, **asked)
    job = studio.sessions.visit(token).job
    while job.report.iteration < 1 and not job.ended:
        job.join(0.01)
    job.stop()
    assert job.join(60)
    after.append(resident())
    print(k, round(after[-1]), flush=True)
studio.close()
assert after[19] - after[4] < 40, after
"""


def test_twenty_short_runs_end_within_40_mb_of_the_fifth(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert told.returncode == 0, told.stdout + told.stderr
