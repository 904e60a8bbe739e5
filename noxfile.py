"""What contributors do most, by name: `nox -s setup`, `run`, `test`, `lint`. Each uses the
environment that nox itself runs in."""

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "test"]


@nox.session
def setup(session: nox.Session) -> None:
    """Install everything that the studio and its tests need."""
    session.run(sys.executable, "-m", "pip", "install", "-r", "requirements-dev.txt")


@nox.session
def run(session: nox.Session) -> None:
    """Start the studio."""
    session.run(sys.executable, "app.py", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests, or those named after `--`."""
    session.run(sys.executable, "-m", "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, format and types, changing nothing."""
    session.run(sys.executable, "-m", "ruff", "check", ".")
    session.run(sys.executable, "-m", "ruff", "format", "--check", ".")
    session.run(sys.executable, "-m", "mypy")
