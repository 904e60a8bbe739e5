"""Who may import whom, by the source: arrows point down only, torch stops at one door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The rooms of the engine from the ground up, a file or a package each: what stands on one floor may
# import what stands on those below, and nothing of its own.
FLOORS: list[set[str]] = [
    {"errors", "faults", "noise", "observation"},
    {"device", "spec", "posterior", "ranks"},
    {"adaptation"},
    {"transition"},
    {"generator", "presets", "priors", "data"},
    {"chains", "langevin", "learning"},
    {"checkpoint", "evaluation"},
    {"trainer", "analysis", "synthesis"},
    {"zoo", "family"},
    {"cli"},
    {"train", "synthesise", "compare"},
]
PICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def sources(folder: Path) -> list[Path]:
    """Every Python file of ours in `folder`; none of a virtual environment, of what npm fetched or
    of a hidden folder."""
    return sorted(
        path
        for path in folder.rglob("*.py")
        if not any(
            part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts
        )
        and not any((parent / "pyvenv.cfg").exists() for parent in path.parents)
    )


def imports(tree: ast.AST, module: str = "") -> Iterator[str]:
    """Dotted names that a module imports; `from a import b` counts as a.b, which may be a module.

    module: its own dotted name, from which relative imports are resolved.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def dotted(path: Path) -> str:
    """abp_core/spec.py -> abp_core.spec, demo/tabs/__init__.py -> demo.tabs.__init__"""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> set[str]:
    return set(imports(parsed(path), dotted(path)))


def roots(path: Path) -> set[str]:
    """The packages that a file imports: torch for torch.nn.functional."""
    return {name.split(".")[0] for name in imported(path)}


def graph(package: str) -> dict[str, set[str]]:
    """Which modules of a package import which others of it, by dotted name."""
    modules = {dotted(path).removesuffix(".__init__"): path for path in sources(ROOT / package)}
    return {
        name: {
            other
            for target in imported(path)
            for other in (target, target.rpartition(".")[0])
            if other in modules and other not in (name, package)
        }
        for name, path in modules.items()
    }


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """A walk along the arrows that comes back to where it was, or nothing."""
    done: set[str] = set()

    def follow(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name not in done:
            for other in sorted(arrows[name]):
                if found := follow(other, [*trail, name]):
                    return found
            done.add(name)
        return []

    return next((found for name in sorted(arrows) if (found := follow(name, []))), [])


def names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that is used: torch.load for `torch.load(path)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parts, inner = [node.attr], node.value
            while isinstance(inner, ast.Attribute):
                parts.append(inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name):
                yield ".".join([inner.id, *reversed(parts)])
        elif isinstance(node, ast.Name):
            yield node.id


def only_tensors(tree: ast.AST) -> bool:
    """Whether every `torch.load` is a call that says weights_only=True."""
    uses = [name for name in names(tree) if name == "torch.load"]
    safe = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "torch.load"
        and any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
    ]
    return len(uses) == len(safe)


def dangers(tree: ast.AST) -> set[str]:
    """What runs code from a file, or lets strangers in."""
    found = {name for name in imports(tree) if name.split(".")[0] in PICKLES}
    found |= {
        name
        for name in [*imports(tree), *names(tree)]
        if name in ("torch.load", "gr.load", "gradio.load", "eval", "exec")
    }
    if only_tensors(tree) and "torch.load" not in imports(tree):
        found.discard("torch.load")
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("share", "allow_pickle"):
            harmless = isinstance(node.value, ast.Constant) and node.value.value is False
            if not harmless:
                found.add(f"{node.arg}={ast.unparse(node.value)}")
    return found


ENGINE = sources(ROOT / "abp_core")
STUDIO = sources(ROOT / "demo")
# What one sees; everything else in the studio knows no screen.
FRONT = {"page.py", "theme.py", "widgets/__init__.py", "widgets/shared.py", "repair/canvas.py"}
FRONT |= {
    f"{name}/tab.py"
    for name in ("explore", "synthesise", "infer", "repair", "train", "compare", "idea")
}
FRONT |= {f"{name}/layout.py" for name in ("synthesise", "repair", "train", "compare")}
BEFORE = [path for path in STUDIO if path.relative_to(ROOT / "demo").as_posix() in FRONT]
BEHIND = [path for path in STUDIO if path not in BEFORE and path.name != "housekeeping.py"]


def test_there_is_something_to_read() -> None:
    assert {"langevin.py", "trainer.py", "decode.py"} <= {path.name for path in ENGINE}
    assert len(BEFORE) == len(FRONT)
    assert any("torch" in roots(path) for path in BEHIND)


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_the_engine_knows_no_screen(path: Path) -> None:
    assert not roots(path) & {"demo", "gradio", "gradio_client", "app", "tests", "benchmarks"}


@pytest.mark.parametrize("package", ["abp_core", "demo", "benchmarks"])
def test_no_circle(package: str) -> None:
    assert circle(graph(package)) == []


def rooms(package: str) -> dict[str, set[str]]:
    """Which rooms of a package, its files and folders, import which others of it."""

    def room(module: str) -> str:
        return module.removeprefix(f"{package}.").partition(".")[0]

    found: dict[str, set[str]] = {}
    for name, others in graph(package).items():
        if name != package:
            found.setdefault(room(name), set()).update({room(o) for o in others} - {room(name)})
    return found


def test_arrows_of_the_engine_point_down() -> None:
    height = {room: floor for floor, here in enumerate(FLOORS) for room in here}
    found = rooms("abp_core")
    assert height.keys() == found.keys()
    up = {(a, b) for a, others in found.items() for b in others if height[b] >= height[a]}
    assert not up


def test_arrows_of_the_studio_make_no_circle() -> None:
    assert circle(rooms("demo")) == []


@pytest.mark.parametrize("path", BEFORE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_torch_and_the_engine_stop_before_the_screen(path: Path) -> None:
    assert not roots(path) & {"torch", "abp_core", "safetensors"}


@pytest.mark.parametrize("path", BEHIND, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_behind_the_screen_knows_no_gradio(path: Path) -> None:
    assert not roots(path) & {"gradio", "gradio_client"}


@pytest.mark.parametrize(
    "path", [path for path in BEFORE if path.name == "tab.py"], ids=lambda path: path.parent.name
)
def test_a_tab_orders_and_shows(path: Path) -> None:
    """It does no arithmetic of its own, and has no service of another tab."""
    assert not roots(path) & {"numpy", "PIL", "soundfile", "soxr"}
    services = {name for name in imported(path) if ".service." in f"{name}."}
    assert all(name.startswith(f"demo.{path.parent.name}.") for name in services)


@pytest.mark.parametrize("path", sources(ROOT), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_unpickles_or_opens_the_door(path: Path) -> None:
    assert dangers(parsed(path)) == set()


class TestTheReader:
    """The reader itself finds what it is to find."""

    @pytest.mark.parametrize(
        ("code", "found"),
        [
            ("import pickle", "pickle"),
            ("def f():\n    from pickle import loads", "pickle.loads"),
            ("import torch\nx = torch.load('a')", "torch.load"),
            ("from torch import load", "torch.load"),
            ("from torch import load\nload('a', weights_only=True)", "torch.load"),
            ("import torch\ntorch.load('a', weights_only=False)", "torch.load"),
            ("import torch\ntorch.load('a', weights_only=True)\ntorch.load('b')", "torch.load"),
            ("import gradio as gr\ngr.load('models/x')", "gr.load"),
            ("demo.launch(share=True)", "share=True"),
            ("demo.launch(share=public)", "share=public"),
            ("np.load('a', allow_pickle=True)", "allow_pickle=True"),
            ("eval('1')", "eval"),
        ],
    )
    def test_dangers(self, code: str, found: str) -> None:
        assert found in dangers(ast.parse(code))

    def test_harmless_code(self) -> None:
        assert dangers(ast.parse("import torch\ntorch.load('a', weights_only=True)")) == set()
        code = "demo.launch(share=False)\njson.load(f)\nnet.load_state_dict(w)\nnet.eval()"
        assert dangers(ast.parse(code)) == set()

    def test_imports(self) -> None:
        code = "import a.b\nfrom c import d\nfrom . import e\nfrom ..f import g"
        expected = {"a.b", "c.d", "demo.tabs.e", "demo.f.g"}
        assert set(imports(ast.parse(code), "demo.tabs.train")) == expected

    def test_circles(self) -> None:
        assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
        assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]

    def test_used_names(self) -> None:
        assert set(names(ast.parse("a.b.c(d)"))) == {"a.b.c", "a.b", "a", "d"}
