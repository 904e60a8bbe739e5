"""The studio: its visitors, and the model that is current to each of their pages.

Every service of a tab is given the studio and asks it for no more than what stands here.
"""

import secrets
from pathlib import Path

from abp_core.checkpoint import Checkpoint
from abp_core.data.atomic import open_atomically
from abp_core.data.pack import PackItem, read_pack
from demo.disk import Disk
from demo.errors import Rejected, translate_errors
from demo.models.cards import Card, card_of
from demo.models.collection import Collection, Model, ModelCard, model_of, snapshot_of
from demo.models.costs import require_affordable
from demo.models.library import Library
from demo.runs.current import Current
from demo.runs.saved_runs import Keeper
from demo.runs.service import Runs
from demo.runs.sessions import Sessions, Visit

PACK = Path(__file__).parent / "examples"
OWN = "own"  # what an address calls a model that is a visitor's own: nobody else has it


class Studio:
    """One for all visitors.

    pack: the bundled data by their names. collection: the shipped models. library: the data that
    models learnt from. runs: what visitors train.
    """

    def __init__(self, disk: Disk | None = None) -> None:
        self.sessions = Sessions()
        self.disk = disk or Disk()
        self.pack: dict[str, PackItem] = {item.name: item for item in read_pack(PACK)}
        self.collection = Collection()
        self.library = Library(self.pack)
        self.runs = Runs(self.sessions, self.disk)
        self.drawn = self.disk.own / "drawn"

    def close(self) -> None:
        self.sessions.close()
        self.disk.close()

    def visit(self, token: str) -> Visit:
        """The visit of a page that was opened. Raises Rejected."""
        return self.sessions.visit(token)

    def place(self, token: str, name: str) -> Path:
        """Where a file for a visitor to take home is written; their oldest ones make room.
        Raises Rejected."""
        return self.visit(token).place(self.disk, name)

    # What can be learnt from

    def cards(self) -> list[Card]:
        """Everything in the pack, with a thumbnail; colourful things first."""
        return sorted((card_of(item) for item in self.pack.values()), key=lambda card: card.grey)

    def draw_cards(self) -> None:
        """The cards' pictures, by their names."""
        for card in self.cards():
            self.draw(card.name, card.picture)

    def draw(self, name: str, picture: bytes) -> None:
        """Keeps a JPEG for all pages to fetch."""
        self.drawn.mkdir(exist_ok=True)
        with open_atomically(self.drawn / f"{name}.jpg") as file:
            file.write(picture)

    def find_data(self, item: str, upload: str) -> tuple[Path, str]:
        """Path and name of an upload, or of something of the pack if there is none.
        Raises Rejected."""
        if upload:
            return Path(upload), Path(upload).stem
        if isinstance(item, str) and item in self.pack:
            return self.pack[item].path, item
        raise Rejected("Please choose something to learn from, or bring a file of your own.")

    def learnt_from(self, model: Model) -> PackItem | None:
        """The bundled data that a model learnt from, if it did."""
        item = self.pack.get(model.name)
        return item if item is not None and item.kind == model.kind else None

    # The current model

    def gallery(self) -> list[ModelCard]:
        """The shipped models, in the order of their index."""
        return self.collection.cards()

    def first_model(self) -> Model | None:
        """What a page shows before the first click."""
        first = self.collection.first()
        return self.collection.model(first) if first else None

    def arrive(self, token: str, name: str = "") -> Model:
        """The current model of a page that opens: the one that a link names, else the one that was
        chosen before, else the first of the gallery. A run that an earlier server saved is taken
        up. Raises Rejected."""
        visit = self.sessions.open(token)
        self.runs.take_up(token)
        if name in self.collection:
            return self.choose(token, name)
        if visit.current(token) is None and self.collection.first():
            self.choose(token, self.collection.first())
        return self.model(token)

    def explain(self, model: Model, name: str) -> str:
        """Why a page that a link led to the model `name` shows another one, or nothing."""
        own = model.origin != "shipped"
        if not name or name == (OWN if own else model.name):
            return ""
        if name == OWN:
            return "The link is to a model of somebody's own; whoever has it can send you its file."
        return "The link is to a model that is not here."

    def choose(self, token: str, name: str) -> Model:
        """Makes a shipped model the page's current one. Raises Rejected."""
        visit = self.visit(token)
        if name not in self.collection:
            raise Rejected("There is no such model here; please choose one of the gallery.")
        with translate_errors():
            model = self.collection.model(name)
        visit.choose(token, Current(model))
        return model

    def open_model(self, token: str, path: str) -> Model:
        """Makes a visitor's own file the current model. Raises Rejected."""
        visit, saved, name = self.visit(token), self.open_checkpoint(path), Path(path).name
        model = model_of(saved, "file", key=f"{name}-{secrets.token_urlsafe(9)}", path=name)
        visit.choose(token, Current(model))
        return model

    def follow(self, token: str) -> Model:
        """Makes the visitor's run that began last the page's current model: as it stands now, and
        from then on as it has grown whenever something is asked of it. Raises Rejected."""
        held, saved = self.runs.newest(token)
        key = f"run-{held.job.number}-{saved.iteration}-{token[:8]}"
        model = snapshot_of(saved, key, held.keeper.recipe.path if held.keeper else None)
        self.visit(token).choose(token, Current(model, held.keeper))
        return model

    def model(self, token: str) -> Model:
        """The page's current model. Raises Rejected."""
        current = self.visit(token).current(token)
        if current is None:
            raise Rejected("Please choose a model first.")

        def take(keeper: Keeper, model: Model) -> Model | None:
            saved = self.runs.newer(token, keeper, model.saved.iteration)
            return snapshot_of(saved, model.key, model.data) if saved else None

        return current.grown(take)

    def as_of(self, token: str) -> int | None:
        """The iteration of the run that the page's current model is a snapshot of; None of a model
        that is none. Raises Rejected."""
        current = self.visit(token).current(token)
        if current is None or current.model.origin != "run":
            return None
        return current.model.saved.iteration

    def shown(self, token: str, key: str) -> Model:
        """The page's current model, if it is the one that it shows. Raises Rejected."""
        model = self.model(token)
        if key != model.key:
            raise Rejected("Another model was chosen meanwhile; please reload the page.")
        return model

    def open_checkpoint(self, path: str) -> Checkpoint:
        """A visitor's file, if a page that is shared can bear it. Raises Rejected."""
        with translate_errors():
            saved = Checkpoint.load(Path(path))
            require_affordable(saved)
        return saved
