"""The visitors' orders: begin, go on, pause, stop, take home."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from abp_core import data
from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.trainer import Trainer
from demo import limits
from demo.jobs import Job, NeverBegan
from demo.sessions import Sessions, Visit, new_token
from demo.workbench.bounds import require_bearable, require_minutes
from demo.workbench.cards import Card, card_of, label_of
from demo.workbench.explore import Explored, Explorer, description, look, sprite
from demo.workbench.home import model_file, samples_file, write_samples
from demo.workbench.inference import Inference
from demo.workbench.journeys import journey
from demo.workbench.models import Collection, Model, ModelCard, model_of
from demo.workbench.points import point_from
from demo.workbench.refusals import Rejected, explain, refusing, turn, writing
from demo.workbench.repair import RepairRun
from demo.workbench.repairs import Repaired, Repairs
from demo.workbench.run import Live, Run, live_of
from demo.workbench.settings import STYLES, Settings, preset_for, spec_with
from demo.workbench.synthesise import Made, Making, chunk, make
from demo.workbench.wishes import Offer, Sent, offer_of

EXAMPLES = Path(__file__).parents[1] / "examples"


class Workbench:
    """The studio's engine room, one for all visitors."""

    def __init__(self) -> None:
        self.sessions = Sessions()
        self._pack = {item.name: item for item in data.pack(EXAMPLES)}
        self._collection = Collection()
        self._explorer = Explorer()
        self._outbox = tempfile.TemporaryDirectory(prefix="abp-studio-")
        self._lookers = threading.BoundedSemaphore(limits.LOOKERS)
        self._hands = threading.BoundedSemaphore(limits.ASIDE)
        self.repairs = Repairs(
            self._chosen,
            self._admit,
            self._aside,
            lambda token, name: self._place(self._visit(token), name),
        )
        self.inference = Inference(
            self._explored,
            self._pack,
            lambda token, name: self._place(self._visit(token), name),
        )

    def close(self) -> None:
        self.sessions.close()
        self._outbox.cleanup()

    def cards(self) -> list[Card]:
        """Everything in the pack, with a thumbnail; colourful things first."""
        return sorted((card_of(item) for item in self._pack.values()), key=lambda card: card.grey)

    def inspect(self, path: str) -> tuple[str, str]:
        """The kind of an uploaded file and a sentence about it. Raises Rejected."""
        file = Path(path)
        with self._aside(), refusing():
            kind = data.kind_of(file)
            preset = preset_for(kind, STYLES[0])
            dataset, _ = data.load(file, preset.training, sample_rate=preset.sample_rate)
        n, *_, last = dataset.signals.shape
        sentence = {
            "texture": f"a picture, learnt from crops {last} pixels wide",
            "sound": f"a sound at {dataset.source.sample_rate} Hz, learnt in segments of "
            f"{last / max(dataset.source.sample_rate, 1):.1f} s",
            "objects": f"{n} pictures, learnt at {last} x {last} pixels",
        }[kind]
        return kind, f"{file.name}: {sentence}."

    def start(
        self, token: str, *, item: str, upload: str, style: str, settings: Settings, minutes: float
    ) -> None:
        """Begins a run on an item of the pack, or on an upload if one is named.
        Raises Rejected."""
        self._visit(token)
        require_minutes(minutes)
        path, name = self._chosen(item, upload)
        with refusing():
            kind = data.kind_of(path) if upload else self._pack[item].kind
            preset = preset_for(kind, style)
            spec = spec_with(preset.training, settings)
        with self._aside(), refusing():  # here, so that a refusal leaves the earlier run alone
            dataset, fitted = data.load(path, spec, sample_rate=preset.sample_rate, name=name)
            run = Run(Trainer(fitted, dataset))
        self._admit(token, lambda: run, minutes, name=name, kind=kind)

    def inspect_checkpoint(self, checkpoint: str) -> str:
        """A sentence about an uploaded checkpoint. Raises Rejected."""
        saved = self._opened(checkpoint)
        name = saved.source.name
        data_too = "" if name in self._pack else f", after choosing the file {name} above as well"
        return (
            f"A model of {label_of(name)} after {saved.iteration} iterations: press Train "
            f"to go on training it{data_too}."
        )

    def continue_from(self, token: str, checkpoint: str, *, upload: str, minutes: float) -> None:
        """Goes on training a saved model on its own data. Raises Rejected."""
        self._visit(token)
        require_minutes(minutes)
        saved = self._opened(checkpoint)
        source = saved.source
        if not upload and source.name not in self._pack:
            raise Rejected(
                f"Please choose the file that the model learnt from as well ({source.name})."
            )
        path, _ = self._chosen(source.name, upload)
        with self._aside(), refusing():
            dataset, _ = data.load(
                path, saved.spec, sample_rate=source.sample_rate or 16_000, name=source.name
            )
            if dataset.digest == saved.digest and len(dataset.signals) != len(saved.latents):
                raise CheckpointRejected("This model is damaged; please choose another one.")
            run = Run(Trainer.resume(saved, dataset))
        self._admit(token, lambda: run, minutes, name=source.name, kind=dataset.source.kind)

    def go_on(self, token: str, minutes: float, *, step_factor: float = 1.0) -> None:
        """Another stretch of a run that has ended, with a shorter Langevin step if asked.
        Raises Rejected."""
        visit = self._visit(token)
        require_minutes(minutes)
        earlier = visit.job
        if earlier is None or visit.at_work or earlier.report.phase == "failed":
            raise Rejected("There is no ended run to go on with; press Train to begin one.")

        def prepare() -> Run | RepairRun:
            run: Run | RepairRun = earlier.take_over()
            trainer = run.trainer
            if step_factor != 1.0:
                saved = trainer.checkpoint()
                saved = saved.at(saved.step_size * step_factor)
                trainer = Trainer.resume(saved, trainer.data, trainer.observation)
            return run.renewed(trainer)

        self._admit(
            token,
            prepare,
            minutes,
            name=visit.name,
            kind=visit.kind,
            task=visit.task,
            curve=earlier.report.curve,
            after=earlier,
        )

    @property
    def shelf(self) -> Path:
        """The folder of the shipped models, their pictures and sounds."""
        return self._collection.folder

    def gallery(self) -> list[ModelCard]:
        """The shipped models, in the order of their index."""
        return self._collection.cards()

    def choose(self, token: str, name: str) -> Model:
        """Makes a shipped model the visitor's current one. Raises Rejected."""
        visit = self._visit(token)
        if name not in self._collection:
            raise Rejected("There is no such model here; please choose one of the gallery.")
        with refusing():
            visit.model = self._collection.model(name)
        return self.model(token)

    def open_model(self, token: str, path: str) -> Model:
        """Makes a visitor's own file the current model. Raises Rejected."""
        visit = self._visit(token)
        saved = self._opened(path)
        file = Path(path)
        key = f"{file.name}-{new_token()}"
        visit.model = model_of(saved, "file", key=key, path=file.name)
        return self.model(token)

    def follow(self, token: str) -> Model:
        """Makes the visitor's run, as it stands now, the current model. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        assert visit.job is not None
        key = f"run-{visit.job.number}-{saved.iteration}-{token[:8]}"
        visit.model = model_of(saved, "run", key=key, path=model_file(visit.name, saved))
        return self.model(token)

    def arrive(self, token: str, name: str = "") -> Model:
        """The current model of a page that opens: the one that a link names, else the one that was
        chosen before, else the first of the gallery. Raises Rejected."""
        visit = self._visit(token)
        if name in self._collection:
            return self.choose(token, name)
        if visit.model is None and self._collection.first():
            self.choose(token, self._collection.first())
        if name:
            raise Rejected("The link is to a model that is not here; please choose another one.")
        return self.model(token)

    def model(self, token: str) -> Model:
        """The visitor's current model. Raises Rejected."""
        visit = self._visit(token)
        if not isinstance(visit.model, Model):
            raise Rejected("Please choose a model first.")
        return visit.model

    def current(self, token: str) -> Model | None:
        """The visitor's current model, or None before there is one."""
        with suppress(Rejected):
            return self.model(token)
        return None

    def describe(self, token: str) -> dict[str, Any]:
        """What the Explore tab needs to know of the current model. Raises Rejected."""
        with self._exploring():
            return description(self._explorer.of(self.model(token)))

    def look(self, token: str, key: str, point: object) -> dict[str, Any]:
        """One point of the model `key` as picture and sound. Raises Rejected."""
        explored = self._explored(token, key)
        with self._exploring():
            return look(explored, point_from(point))

    def sprite(self, token: str, key: str, what: str) -> str:
        """A sheet of thumbnails of the model `key`. Raises Rejected."""
        explored = self._explored(token, key)
        with self._exploring():
            return sprite(explored, what)

    def journey(self, token: str, key: str, points: object, what: str) -> dict[str, Any]:
        """The way between points of the model `key`. Raises Rejected."""
        explored = self._explored(token, key)
        sent = points if isinstance(points, list) else []
        with self._aside(), refusing():
            return journey(explored, [point_from(point) for point in sent[:9]], what)

    def example(self, token: str) -> Any:
        """A training example of the current model, (CANVAS, CANVAS, 3). Raises Rejected."""
        return self.repairs.example(self.inference.library.of(self.model(token)))

    def repair(self, token: str, picture: Any, painted: Any) -> Iterator[Repaired]:
        """Answers of the current model to a painted part of a picture. Raises Rejected."""
        return self.repairs.repair(token, self.model(token), picture, painted)

    def offer(self, token: str) -> Offer:
        """What the Synthesise tab can ask of the current model. Raises Rejected."""
        model = self.model(token)
        return offer_of(model, self._learnt_from(model))

    def make(self, token: str, sent: Sent) -> Iterator[Making | Made]:
        """Makes what a page asked of the current model, in steps; the last is what was made.
        Raises Rejected."""
        visit, model = self._visit(token), self.model(token)
        place = partial(self._place, visit)
        with self._aside(), writing(), refusing():
            yield from make(model, sent, self._learnt_from(model), place)

    def chunk(self, token: str, key: str, sent: Sent) -> dict[str, Any]:
        """A stretch of the endless sound of the model `key`. Raises Rejected."""
        model = self.model(token)
        if key != model.key:
            raise Rejected("Another model was chosen meanwhile; please begin anew.")
        with self._exploring():
            return chunk(model, sent)

    def _learnt_from(self, model: Model) -> data.PackItem | None:
        """The bundled data that a model learnt from, if it did."""
        item = self._pack.get(model.name)
        return item if item is not None and item.kind == model.kind else None

    def _explored(self, token: str, key: str) -> Explored:
        """The visitor's current model, if it is the one that the page shows. Raises Rejected."""
        model = self.model(token)
        if key != model.key:
            raise Rejected("Another model was chosen meanwhile; please reload the page.")
        return self._explorer.of(model)

    @contextmanager
    def _exploring(self) -> Iterator[None]:
        """Light work of the Explore tab, for a few visitors at a time. Raises Rejected."""
        busy = "Many visitors explore just now; please try again soon."
        with turn(self._lookers, busy), refusing():
            yield

    def pause(self, token: str) -> None:
        self._with_job(token, Job.pause)

    def resume(self, token: str) -> None:
        self._with_job(token, Job.resume)

    def stop(self, token: str) -> None:
        self._with_job(token, Job.stop)

    def live(self, token: str) -> Live | None:
        """The visitor's run, or None before the first."""
        return live_of(self._visit(token))

    def take_home(self, token: str) -> str:
        """Path of a checkpoint of the visitor's run as it stands. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        with writing():
            path = self._place(visit, model_file(visit.name, saved))
            saved.save(path)
        return str(path)

    def take_samples(self, token: str) -> str:
        """Path of a PNG or WAV of new samples of the visitor's run. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        with self._aside(), writing():
            path = self._place(visit, samples_file(visit.name, saved))
            write_samples(saved, path, model_file(visit.name, saved))
        return str(path)

    def _visit(self, token: str) -> Visit:
        with refusing():
            return self.sessions.visit(token)

    def _chosen(self, item: str, upload: str) -> tuple[Path, str]:
        if upload:
            return Path(upload), Path(upload).stem
        if isinstance(item, str) and item in self._pack:
            return self._pack[item].path, item
        raise Rejected("Please choose something to learn from, or bring a file of your own.")

    def _opened(self, checkpoint: str) -> Checkpoint:
        with self._aside(), refusing():
            saved = Checkpoint.load(Path(checkpoint))
            require_bearable(saved)
        return saved

    def _admit(self, token: str, prepare: Any, minutes: float, **about: Any) -> None:
        visit = self._visit(token)
        curve = about.pop("curve", ())
        job = Job(
            prepare,
            budget=minutes * 60,
            watched=lambda: visit.viewers > 0,
            explain=explain,
            curve=curve,
        )
        with refusing():
            self.sessions.admit(token, job, **about)

    def _with_job(self, token: str, order: Any) -> None:
        job = self._visit(token).job
        if job is not None:
            order(job)

    def _checkpoint(self, token: str) -> tuple[Visit, Checkpoint]:
        visit = self._visit(token)
        job = visit.job
        if job is None:
            raise Rejected("There is no model yet; press Train to begin.")
        try:
            saved: Checkpoint = job.ask(lambda run: run.trainer.checkpoint())
        except (NeverBegan, TimeoutError) as error:
            raise Rejected("The model is not ready yet; please try again in a moment.") from error
        return visit, saved

    def _aside(self) -> AbstractContextManager[None]:
        """Heavy work beside the runs, for a few visitors at a time. Raises Rejected."""
        busy = "Many visitors bring or take files just now; please try again soon."
        return turn(self._hands, busy)

    def _place(self, visit: Visit, name: str) -> Path:
        """Where a file to take home is written; the visitor's oldest ones make room."""
        if visit.folder is None:
            visit.folder = Path(tempfile.mkdtemp(dir=self._outbox.name))
        newest_last = sorted(visit.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in newest_last[: 1 - limits.FILES_KEPT]:
            old.unlink(missing_ok=True)
        return visit.folder / name
