"""The visitors' orders: begin, go on, pause, stop, take home."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from abp_core.checkpoint import Checkpoint, CheckpointRejected
from abp_core.data import datasets
from abp_core.data.pack import PackItem, read_pack
from abp_core.trainer import Trainer
from demo import limits
from demo.disk import Disk
from demo.jobs import CurvePoint, Job, NeverBegan
from demo.sessions import Sessions, Visit, new_token
from demo.workbench.cards import Card, card_of, label_of
from demo.workbench.costs import require_affordable, require_minutes
from demo.workbench.downloads import model_file, samples_file, write_samples
from demo.workbench.errors import Rejected, explain, translate_disk_errors, translate_errors
from demo.workbench.explore import Explored, Explorer, describe, render_point, render_sprite
from demo.workbench.inference_service import Inference
from demo.workbench.interpolation import interpolate
from demo.workbench.latent_points import point_from
from demo.workbench.models import Collection, Model, ModelCard, model_of
from demo.workbench.repair_run import RepairRun
from demo.workbench.repair_service import RepairResult, RepairService
from demo.workbench.run import Live, Run, live_of
from demo.workbench.saved_runs import Keeper, RunRecipe, SavedRuns
from demo.workbench.settings import STYLES, Settings, preset_for, spec_with
from demo.workbench.synthesis import Progress, Result, chunk, synthesise
from demo.workbench.synthesis_form import Offer, Sent, offer_of
from demo.workbench.threads import all_threads

PACK = Path(__file__).parents[1] / "examples"


class Workbench:
    """The studio's engine room, one for all visitors."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.sessions = Sessions()
        self.disk = disk or Disk()
        self._saved = SavedRuns(self.disk.runs)
        self._pack = {item.name: item for item in read_pack(PACK)}
        self._collection = Collection()
        self._explorer = Explorer()
        self.repairs = RepairService(
            self._visit,
            self._chosen,
            self._admit,
            lambda token, name: self._place(self._visit(token), name),
        )
        self.inference = Inference(
            self._shown,
            self._pack,
            lambda token, name: self._place(self._visit(token), name),
        )

    def close(self) -> None:
        self.sessions.close()
        self.disk.close()

    def cards(self) -> list[Card]:
        """Everything in the pack, with a thumbnail; colourful things first."""
        return sorted((card_of(item) for item in self._pack.values()), key=lambda card: card.grey)

    def draw_cards(self) -> Path:
        """The folder of the cards' pictures, by their names."""
        folder = self.disk.own / "cards"
        folder.mkdir(exist_ok=True)
        for card in self.cards():
            (folder / f"{card.name}.jpg").write_bytes(card.picture)
        return folder

    def inspect(self, path: str) -> tuple[str, str]:
        """The kind of an uploaded file and a sentence about it. Raises Rejected."""
        file = Path(path)
        with translate_errors():
            kind = datasets.kind_of(file)
            preset = preset_for(kind, STYLES[0])
            dataset, _ = datasets.load(file, preset.training, sample_rate=preset.sample_rate)
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
        with translate_errors():
            kind = datasets.kind_of(path) if upload else self._pack[item].kind
            preset = preset_for(kind, style)
            spec = spec_with(preset.training, settings)
        with translate_errors():  # here, so that a refusal leaves the earlier run alone
            dataset, fitted = datasets.load(path, spec, sample_rate=preset.sample_rate, name=name)
            run = Run(Trainer(fitted, dataset))
        recipe = RunRecipe(task="learn", name=name, kind=kind, path=path, own=bool(upload))
        self._admit(token, lambda: run, minutes, recipe)

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
        with translate_errors():
            dataset, _ = datasets.load(
                path, saved.spec, sample_rate=source.sample_rate or 16_000, name=source.name
            )
            if dataset.digest == saved.digest and len(dataset.signals) != len(saved.latents):
                raise CheckpointRejected("This model is damaged; please choose another one.")
            run = Run(Trainer.resume(saved, dataset))
        kind = dataset.source.kind
        recipe = RunRecipe(task="learn", name=source.name, kind=kind, path=path, own=bool(upload))
        self._admit(token, lambda: run, minutes, recipe)

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
            token, prepare, minutes, visit.recipe, curve=earlier.report.curve, after=earlier
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
        with translate_errors():
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
        chosen before, else the first of the gallery. A run that an earlier server saved is taken
        up. Raises Rejected."""
        with translate_errors():
            visit = self.sessions.open(token)
        self._take_up(token, visit)
        if name in self._collection:
            return self.choose(token, name)
        if visit.model is None and self._collection.first():
            self.choose(token, self._collection.first())
        if name:
            raise Rejected("The link is to a model that is not here; please choose another one.")
        return self.model(token)

    def _take_up(self, token: str, visit: Visit) -> None:
        """The visitor's run of before a restart, if there is one."""
        found = self._saved.find(token) if visit.job is None else None
        if found is not None:
            visit.recipe, visit.job = found
            about = visit.recipe.recipe
            visit.name, visit.kind, visit.task = about.name, about.kind, about.task

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
        with translate_errors():
            return describe(self._explorer.of(self.model(token)))

    def look(self, token: str, key: str, point: object) -> dict[str, Any]:
        """One point of the model `key` as picture and sound. Raises Rejected."""
        explored = self._explored(token, key)
        with translate_errors():
            return render_point(explored, point_from(point))

    def sprite(self, token: str, key: str, what: str) -> str:
        """A sheet of thumbnails of the model `key`. Raises Rejected."""
        explored = self._explored(token, key)
        with translate_errors():
            return render_sprite(explored, what)

    def journey(self, token: str, key: str, points: object, what: str) -> dict[str, Any]:
        """The way between points of the model `key`. Raises Rejected."""
        explored = self._explored(token, key)
        sent = points if isinstance(points, list) else []
        with translate_errors():
            return interpolate(explored, [point_from(point) for point in sent[:9]], what)

    def example(self, token: str) -> Any:
        """A training example of the current model, (CANVAS, CANVAS, 3). Raises Rejected."""
        return self.repairs.example(self.inference.library.of(self.model(token)))

    def repair(self, token: str, picture: Any, painted: Any) -> Iterator[RepairResult]:
        """Answers of the current model to a painted part of a picture. Raises Rejected."""
        return self.repairs.repair(token, self.model(token), picture, painted)

    def offer(self, token: str) -> Offer:
        """What the Synthesise tab can ask of the current model. Raises Rejected."""
        model = self.model(token)
        return offer_of(model, self._learnt_from(model))

    def make(self, token: str, sent: Sent) -> Iterator[Progress | Result]:
        """Makes what a page asked of the current model, in steps; the last is what was made.
        Raises Rejected."""
        visit, model = self._visit(token), self.model(token)
        place = partial(self._place, visit)
        with translate_disk_errors(), translate_errors():
            yield from synthesise(model, sent, self._learnt_from(model), place)

    def chunk(self, token: str, key: str, sent: Sent) -> dict[str, Any]:
        """A stretch of the endless sound of the model `key`. Raises Rejected."""
        model = self.model(token)
        if key != model.key:
            raise Rejected("Another model was chosen meanwhile; please begin anew.")
        with translate_errors():
            return chunk(model, sent)

    def _learnt_from(self, model: Model) -> PackItem | None:
        """The bundled data that a model learnt from, if it did."""
        item = self._pack.get(model.name)
        return item if item is not None and item.kind == model.kind else None

    def _shown(self, token: str, key: str) -> Model:
        """The visitor's current model, if it is the one that the page shows. Raises Rejected."""
        model = self.model(token)
        if key != model.key:
            raise Rejected("Another model was chosen meanwhile; please reload the page.")
        return model

    def _explored(self, token: str, key: str) -> Explored:
        """The same with its directions, which are measured once."""
        return self._explorer.of(self._shown(token, key))

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
        with translate_disk_errors():
            path = self._place(visit, model_file(visit.name, saved))
            saved.save(path)
        return str(path)

    def take_samples(self, token: str) -> str:
        """Path of a PNG or WAV of new samples of the visitor's run. Raises Rejected."""
        visit, saved = self._checkpoint(token)
        with translate_disk_errors():
            path = self._place(visit, samples_file(visit.name, saved))
            write_samples(saved, path, model_file(visit.name, saved))
        return str(path)

    def _visit(self, token: str) -> Visit:
        with translate_errors():
            return self.sessions.visit(token)

    def _chosen(self, item: str, upload: str) -> tuple[Path, str]:
        if upload:
            return Path(upload), Path(upload).stem
        if isinstance(item, str) and item in self._pack:
            return self._pack[item].path, item
        raise Rejected("Please choose something to learn from, or bring a file of your own.")

    def _opened(self, checkpoint: str) -> Checkpoint:
        with translate_errors():
            saved = Checkpoint.load(Path(checkpoint))
            require_affordable(saved)
        return saved

    def _admit(
        self,
        token: str,
        prepare: Any,
        minutes: float,
        recipe: RunRecipe | Keeper,
        *,
        curve: tuple[CurvePoint, ...] = (),
        after: Job | None = None,
    ) -> None:
        """Begins a job. recipe: from what its run can be built anew; the keeper of the run that it
        goes on with. Raises Rejected."""
        goes_on = isinstance(recipe, Keeper)
        keeper = recipe if isinstance(recipe, Keeper) else self._saved.keeper(token, recipe)

        def begin() -> Any:
            all_threads()
            if not goes_on:
                keeper.begin()
            return prepare()

        job = Job(
            begin,
            budget=minutes * 60,
            watched=partial(self.sessions.watched, token),
            explain=explain,
            curve=curve,
            save=keeper.save,
            rebuild=keeper.rebuild,
        )
        about = keeper.recipe
        with translate_errors():
            self.sessions.admit(
                token,
                job,
                name=about.name,
                kind=about.kind,
                task=about.task,
                recipe=keeper,
                after=after,
            )

    def _with_job(self, token: str, order: Any) -> None:
        job = self._visit(token).job
        if job is not None:
            order(job)

    def _checkpoint(self, token: str) -> tuple[Visit, Checkpoint]:
        visit = self._visit(token)
        job = visit.job
        if job is None:
            raise Rejected("There is no model yet; press Train to begin.")
        with translate_errors():  # it may have to be built anew from what was saved
            try:
                saved: Checkpoint = job.ask(lambda run: run.trainer.checkpoint())
            except (NeverBegan, TimeoutError) as error:
                sentence = "The model is not ready yet; please try again in a moment."
                raise Rejected(sentence) from error
        return visit, saved

    def _place(self, visit: Visit, name: str) -> Path:
        """Where a file to take home is written; the visitor's oldest ones make room."""
        if visit.folder is None:
            visit.folder = Path(tempfile.mkdtemp(dir=self.disk.out))
        self.disk.make_room(visit.folder, 0, limits.FILES_KEPT - 1)
        visit.folder.mkdir(exist_ok=True)
        return visit.folder / name
