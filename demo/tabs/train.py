"""The Train tab: choose, press Train, watch, stop, take it home."""

import asyncio
import html
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from demo import limits
from demo.jobs import AT_WORK, Report
from demo.sessions import is_token
from demo.widgets import widget
from demo.workbench import Live, Rejected, Settings, Workbench, presets_for, settings_of

FIRST = {"kind": "texture", "item": "pebbles"}
FILE_TYPES = [".png", ".jpg", ".jpeg", ".webp", ".wav", ".flac", ".ogg", ".mp3", ".zip", ".npz"]
NOTHING = {"iterations": [], "errors": [], "latents": []}
FORMULA = (Path(__file__).parent / "train.html").read_text()


def build(workbench: Workbench, token: gr.BrowserState, model_bar: gr.HTML) -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            cards = [
                {
                    "kind": card.kind,
                    "name": card.name,
                    "label": card.label,
                    "picture": card.picture,
                    "sound": f"/gradio_api/file={card.sound}" if card.sound else "",
                    "credit": card.credit,
                }
                for card in workbench.cards()
            ]
            picker = widget("picker", FIRST, cards=cards)
            with gr.Accordion("Or bring your own", open=False):
                upload = gr.File(
                    label="A picture, a sound, or a zip of aligned pictures",
                    file_types=FILE_TYPES,
                    type="filepath",
                    height=120,
                )
                checkpoint = gr.File(
                    label="A saved model, to go on training",
                    file_types=[".safetensors"],
                    type="filepath",
                    height=120,
                )
            preset = gr.Radio(label="Settings", info="", **_choices("texture"))
            minutes = gr.Slider(
                1,
                limits.MINUTES[1],
                value=limits.DEFAULT_MINUTES,
                step=1,
                label="Minutes",
                info="You can stop at any time and keep what was learnt.",
            )
            with gr.Accordion("Advanced", open=False):
                knobs = _knobs(settings_of("quick-texture"))
        with gr.Column(scale=9, min_width=320):
            with gr.Row(elem_id="abp-orders"):
                train = gr.Button("Train", variant="primary", elem_id="abp-train")
                pause = gr.Button("Pause", interactive=False, elem_id="abp-pause")
                stop = gr.Button("Stop", interactive=False, elem_id="abp-stop")
            notice = gr.HTML("", elem_id="abp-notice")
            shorter = gr.Button("Go on with half the step", visible=False, elem_id="abp-shorter")
            stage = widget("stage", _welcome())
            curves = widget("curves", NOTHING)
            with gr.Row():
                take_model = gr.Button("Take the model home", size="sm", interactive=False)
                take_samples = gr.Button("Take samples home", size="sm", interactive=False)
            file = gr.DownloadButton(visible="hidden", elem_id="abp-file")
            with gr.Accordion("What happens here?", open=False):
                gr.HTML(FORMULA, elem_classes="abp-formula")

    def choose(choice: dict[str, str]) -> Any:
        return gr.update(**_choices(choice["kind"]))

    def adopt(name: str) -> list[Any]:
        values = settings_of(name)
        return [
            values.steps,
            values.step_size,
            values.temperature,
            values.sigma,
            values.learning_rate,
            values.batch_size,
            values.examples,
            values.seed,
        ]

    def inspect(path: str | None, choice: dict[str, str]) -> tuple[Any, str]:
        if path is None:
            return gr.update(**_choices(choice["kind"])), ""
        try:
            kind, sentence = workbench.inspect(path)
        except Rejected as refusal:
            return gr.skip(), _notice(str(refusal), refusal=True)
        return gr.update(**_choices(kind)), _notice(f"{sentence} Press Train to learn it.")

    def begin(
        token: str,
        choice: dict[str, str],
        upload: str | None,
        checkpoint: str | None,
        preset: str,
        minutes: float,
        *values: float,
    ) -> str:
        try:
            if checkpoint is not None:
                workbench.continue_from(
                    token, checkpoint, item=choice["item"], upload=upload or "", minutes=minutes
                )
            else:
                settings = _settings(preset, minutes, values)
                workbench.start(token, item=choice["item"], upload=upload or "", settings=settings)
        except Rejected as refusal:
            return _notice(str(refusal), refusal=True)
        return ""

    def hold(token: str, label: str, minutes: float) -> str:
        try:
            if label == "Pause":
                workbench.pause(token)
            elif label == "Resume":
                workbench.resume(token)
            else:
                workbench.go_on(token, minutes)
        except Rejected as refusal:
            return _notice(str(refusal), refusal=True)
        return ""

    def shorten(token: str, minutes: float) -> str:
        try:
            workbench.go_on(token, minutes, step_factor=0.5)
        except Rejected as refusal:
            return _notice(str(refusal), refusal=True)
        return ""

    def carry(token: str, what: str) -> tuple[Any, str]:
        try:
            take = workbench.take_home if what == "model" else workbench.take_samples
            return gr.update(value=take(token)), ""
        except Rejected as refusal:
            return gr.skip(), _notice(str(refusal), refusal=True)

    async def attach(token: str) -> AsyncIterator[tuple[Any, ...]]:
        """Streams the visitor's run to this page for as long as the page is open."""
        if not is_token(token):
            yield (gr.skip(),) * 9
            return
        shown: tuple[Any, ...] = ()
        phase = ""
        with workbench.sessions.watching(token):
            while True:
                live = workbench.live(token)
                now = () if live is None else (live.number, live.report.number)
                if live is not None and now != shown:
                    shown = now
                    buttons = (
                        _buttons(live.report) if live.report.phase != phase else [gr.skip()] * 6
                    )
                    phase = live.report.phase
                    yield (_stage(live), _curves(live.report), _bar(live), *buttons)
                await asyncio.sleep(0.1)

    picker.change(choose, picker, preset, show_progress="hidden", queue=False)
    preset.change(adopt, preset, knobs, show_progress="hidden", queue=False)
    upload.change(inspect, [upload, picker], [preset, notice], show_progress="hidden")
    train.click(
        begin,
        [token, picker, upload, checkpoint, preset, minutes, *knobs],
        notice,
        show_progress="hidden",
        concurrency_limit=None,
    )
    pause.click(hold, [token, pause, minutes], notice, show_progress="hidden", queue=False)
    stop.click(workbench.stop, token, None, show_progress="hidden", queue=False)
    shorter.click(shorten, [token, minutes], notice, show_progress="hidden", queue=False)
    for button, what in ((take_model, "model"), (take_samples, "samples")):
        button.click(
            lambda token, what=what: carry(token, what),
            token,
            [file, notice],
            concurrency_limit=None,
        ).success(
            None, js="() => setTimeout(() => document.querySelector('#abp-file').click(), 100)"
        )
    gr.on(
        [token.change],
        attach,
        token,
        [stage, curves, model_bar, train, pause, stop, take_model, take_samples, shorter],
        show_progress="hidden",
        concurrency_limit=None,
        trigger_mode="once",
    )


def _choices(kind: str) -> dict[str, Any]:
    found = presets_for(kind)
    return {
        "choices": [(label, name) for name, label, _ in found],
        "value": found[0][0],
    }


def _knobs(values: Settings) -> list[gr.components.Component]:
    """The advanced settings, in the order of `Settings` after its minutes."""
    return [
        gr.Slider(*limits.STEPS, value=values.steps, step=1, label="Langevin steps",
                  info="How often the hidden codes move before the weights do."),
        gr.Number(values.step_size, label="Langevin step size s",
                  info="Longer explores faster; too long runs away."),
        gr.Number(values.temperature, label="Temperature",
                  info="1 samples; 0 only walks downhill."),
        gr.Number(values.sigma, label="Sigma",
                  info="How much mismatch counts as noise, in standard deviations of the data."),
        gr.Number(values.learning_rate, label="Learning rate",
                  info="How far the weights move at a time."),
        gr.Slider(*limits.BATCH_SIZE, value=values.batch_size, step=1, label="Batch size",
                  info="Examples that learn together."),
        gr.Slider(*limits.EXAMPLES, value=values.examples, step=1, label="Examples",
                  info="Crops or segments drawn, or pictures taken of a set."),
        gr.Number(values.seed, label="Seed", precision=0,
                  info="The same seed gives the same run."),
    ]  # fmt: skip


def _settings(preset: str, minutes: float, values: tuple[float, ...]) -> Settings:
    """Raises Rejected for a field that is empty or no number."""
    if any(not isinstance(value, int | float) or value != value for value in values):
        raise Rejected("Please fill in every advanced setting with a number.")
    steps, step_size, temperature, sigma, learning_rate, batch_size, examples, seed = values
    whole = [steps, batch_size, examples, seed]
    if any(abs(value) == float("inf") or value != int(value) for value in whole):
        raise Rejected("Steps, batch size, examples and seed are whole numbers.")
    return Settings(
        preset=preset,
        minutes=minutes,
        steps=int(steps),
        step_size=step_size,
        temperature=temperature,
        sigma=sigma,
        learning_rate=learning_rate,
        batch_size=int(batch_size),
        examples=int(examples),
        seed=int(seed),
    )


HEADLINES = {
    "starting": "Getting ready to learn {}",
    "running": "Learning {}",
    "paused": "Paused: {}",
    "stopped": "Stopped: {}",
    "finished": "Learnt: {}",
    "diverged": "{} ran away",
    "failed": "{} could not be learnt",
}


def _stage(live: Live) -> dict[str, Any]:
    report = live.report
    return {
        "phase": report.phase,
        "headline": HEADLINES[report.phase].format(live.name.replace("_", " ")),
        "detail": _detail(report),
        "progress": report.progress,
        "kind": live.kind,
        "panels": [
            {"caption": panel.caption, "picture": panel.picture, "sound": panel.sound}
            for panel in live.panels
        ],
    }


def _detail(report: Report) -> str:
    if report.sentence:
        return report.sentence
    parts = [f"iteration {report.iteration}"] if report.iteration else []
    if report.phase == "running" and report.rate:
        left = report.seconds_left
        parts += [f"{report.rate:.1f} a second", f"{left // 60}:{left % 60:02d} left"]
    return " · ".join(parts)


def _curves(report: Report) -> dict[str, Any]:
    if not report.curve:
        return NOTHING
    iterations, errors, latents = zip(*report.curve, strict=True)
    return {"iterations": iterations, "errors": errors, "latents": latents}


def _bar(live: Live) -> str:
    picture = f'<img src="{live.panels[-1].picture}" alt="">' if live.panels else ""
    kind = {"texture": "texture", "sound": "sound", "objects": "picture set"}[live.kind]
    name = html.escape(live.name.replace("_", " "))
    return (
        f'<div class="bar">{picture}<span>Current model: <b>{name}</b>, {kind}, '
        f"{live.report.phase}, iteration {live.report.iteration}</span></div>"
    )


def _buttons(report: Report) -> list[Any]:
    """train, pause, stop, take_model, take_samples, shorter."""
    at_work = report.phase in AT_WORK
    label = {"paused": "Resume", "running": "Pause", "starting": "Pause"}.get(report.phase, "Go on")
    known = report.phase not in ("starting", "failed")
    return [
        gr.update(interactive=not at_work),
        gr.update(value=label, interactive=report.phase not in ("starting", "failed")),
        gr.update(interactive=at_work),
        gr.update(interactive=known),
        gr.update(interactive=known),
        gr.update(visible=report.phase == "diverged"),
    ]


def _notice(sentence: str, *, refusal: bool = False) -> str:
    role, kind = ("alert", "abp-notice refusal") if refusal else ("status", "abp-notice")
    return f'<div class="{kind}" role="{role}">{html.escape(sentence)}</div>'


def _welcome() -> dict[str, Any]:
    return {
        "phase": "idle",
        "headline": "Choose something, press Train, and watch it being learnt",
        "detail": "",
        "progress": 0,
        "kind": "texture",
        "panels": [],
    }
