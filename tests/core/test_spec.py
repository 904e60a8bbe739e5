"""Settings: shapes by arithmetic, exact JSON, and a sentence for whatever is impossible."""

import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abp_core.spec import GeneratorSpec, LangevinSpec, SpecRejected, TrainingSpec

TEXTURE = {
    "latent_shape": (16, 8, 8),
    "channels": (256, 128, 64),
    "kernel_size": 5,
    "upsampling": 2,
    "out_channels": 3,
}
RUN = {
    "generator": GeneratorSpec(**TEXTURE),
    "langevin": LangevinSpec(steps=5, step_size=0.1),
    "sigma": 0.3,
    "learning_rate": 1e-3,
    "batch_size": 8,
    "examples": 64,
}
NOT_REAL = (math.nan, math.inf, -math.inf, True, "0.1", None, 10**400, 1j)
NOT_COUNT = (0, -1, 1.0, True, "3", None, math.nan)


@st.composite
def training_specs(draw: st.DrawFn) -> TrainingSpec:
    """Any valid settings."""
    count = st.integers(1, 9)
    upsampling = draw(st.integers(1, 5))
    flat, vector = draw(st.booleans()), draw(st.booleans())
    first_map = draw(st.tuples(count, count) if flat else st.tuples(count, count, count))
    return TrainingSpec(
        generator=GeneratorSpec(
            latent_shape=(draw(count),) if vector else first_map,
            projection=first_map if vector else None,
            channels=tuple(draw(st.lists(count, max_size=2))),  # keeps the signal within bounds
            kernel_size=upsampling + draw(st.integers(0, 9)) * (2 if upsampling == 1 else 1),
            upsampling=upsampling,
            out_channels=draw(st.sampled_from((1, 3))),
            leak=draw(st.floats(0, 0.99)),
        ),
        langevin=LangevinSpec(
            steps=draw(st.integers(1, 10_000)),
            step_size=draw(st.floats(1e-9, 10)),
            temperature=draw(st.floats(0, 100)),
        ),
        sigma=draw(st.floats(1e-9, 100)),
        learning_rate=draw(st.floats(1e-12, 1)),
        batch_size=draw(st.integers(1, 4096)),
        examples=draw(st.integers(1, 100_000)),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


def test_signal_shape_of_a_texture_and_a_sound() -> None:
    assert GeneratorSpec(**TEXTURE).signal_shape == (3, 128, 128)
    sound = GeneratorSpec(
        latent_shape=(1, 6), channels=(256, 128, 64), kernel_size=25, upsampling=10, out_channels=1
    )
    assert sound.signal_shape == (1, 60_000)
    assert sound.enlargement == 10_000


def test_signal_shape_of_a_vector_latent_follows_its_projection() -> None:
    faces = GeneratorSpec(**TEXTURE | {"latent_shape": (100,), "projection": (512, 4, 5)})
    assert faces.first_map == (512, 4, 5)
    assert faces.signal_shape == (3, 64, 80)
    assert not faces.spatial


@given(training_specs())
def test_json_keeps_everything(spec: TrainingSpec) -> None:
    assert TrainingSpec.from_json(spec.to_json()) == spec


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(json.dumps))  # fmt: skip
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(SpecRejected):
        TrainingSpec.from_json(text)


@given(training_specs(), st.data())
def test_a_changed_field_is_refused_or_kept(spec: TrainingSpec, data: st.DataObject) -> None:
    fields = json.loads(spec.to_json())
    group = data.draw(st.sampled_from([fields, fields["generator"], fields["langevin"]]))
    name = data.draw(st.sampled_from(sorted(group)))
    odd = st.sampled_from([None, True, -1, 0, 1.5, math.nan, math.inf, 10**400, "x", [], [0], {}])
    group[name] = data.draw(odd)
    try:
        kept = json.loads(TrainingSpec.from_json(json.dumps(fields)).to_json())
    except SpecRejected:
        return
    assert kept == fields


def test_deeply_nested_json_is_refused() -> None:
    with pytest.raises(SpecRejected):
        TrainingSpec.from_json("[" * 200_000)


@pytest.mark.parametrize("value", [*NOT_REAL, 0, -0.1, 10.5], ids=repr)
def test_a_step_size_that_cannot_be_walked_is_refused(value: object) -> None:
    with pytest.raises(SpecRejected, match=r"step size.*\.$"):
        LangevinSpec(steps=5, step_size=value)


@pytest.mark.parametrize("value", [*NOT_REAL, -1e-9, 101], ids=repr)
def test_a_temperature_below_zero_is_refused(value: object) -> None:
    with pytest.raises(SpecRejected, match=r"temperature.*\.$"):
        LangevinSpec(steps=5, step_size=0.1, temperature=value)


@pytest.mark.parametrize("value", [*NOT_COUNT, 10_001], ids=repr)
def test_a_number_of_steps_must_be_a_count(value: object) -> None:
    with pytest.raises(SpecRejected, match=r"steps.*\.$"):
        LangevinSpec(steps=value, step_size=0.1)


@pytest.mark.parametrize("field", ["sigma", "learning_rate"])
@pytest.mark.parametrize("value", [*NOT_REAL, 0, -1, 101], ids=repr)
def test_a_scale_of_training_must_be_positive(field: str, value: object) -> None:
    with pytest.raises(SpecRejected, match=r"\.$"):
        TrainingSpec(**RUN | {field: value})


@pytest.mark.parametrize("field", ["batch_size", "examples"])
@pytest.mark.parametrize("value", [*NOT_COUNT, 1_000_001], ids=repr)
def test_a_size_of_training_must_be_a_count(field: str, value: object) -> None:
    with pytest.raises(SpecRejected, match=r"\.$"):
        TrainingSpec(**RUN | {field: value})


@pytest.mark.parametrize("value", [-1, 1.5, True, None, 10**10], ids=repr)
def test_the_time_until_the_rates_are_halved_must_be_a_count(value: object) -> None:
    with pytest.raises(SpecRejected, match=r"halved.*\.$"):
        TrainingSpec(**RUN | {"halved_after": value})


def test_learning_rates_stay_unless_they_are_to_be_halved() -> None:
    assert TrainingSpec(**RUN).fade(10**6) == 1
    fading = TrainingSpec(**RUN | {"halved_after": 200})
    assert [fading.fade(iteration) for iteration in (0, 200, 600)] == [1, 0.5, 0.25]


@pytest.mark.parametrize("value", [1, "yes", None], ids=repr)
def test_preconditioned_is_yes_or_no(value: object) -> None:
    with pytest.raises(SpecRejected, match=r"Preconditioned.*\.$"):
        LangevinSpec(steps=2, step_size=0.1, preconditioned=value)


@pytest.mark.parametrize("seed", [-1, 2**63, 0.0, True, None], ids=repr)
def test_a_seed_must_fit_the_noise(seed: object) -> None:
    with pytest.raises(SpecRejected, match=r"seed.*\.$"):
        TrainingSpec(**RUN | {"seed": seed})


@pytest.mark.parametrize(
    "change",
    [
        {"latent_shape": ()},
        {"latent_shape": (1, 2, 3, 4)},
        {"latent_shape": (16, 0, 8)},
        {"latent_shape": [16, 8, 8]},
        {"latent_shape": (100,)},
        {"latent_shape": (100,), "projection": (512,)},
        {"projection": (512, 4, 4)},
        {"channels": (0,)},
        {"channels": (8,) * 9},
        {"channels": 8},
        {"kernel_size": 1},
        {"kernel_size": 5.0},
        {"kernel_size": 4, "upsampling": 1},
        {"upsampling": 0},
        {"out_channels": 2},
        {"out_channels": 3.0},
        {"leak": 1.0},
        {"leak": -0.1},
        {"leak": math.nan},
    ],
    ids=repr,
)
def test_a_network_that_cannot_be_built_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SpecRejected, match=r"\.$"):
        GeneratorSpec(**TEXTURE | change)


def test_settings_cannot_be_changed() -> None:
    spec = TrainingSpec(**RUN)
    for record, field in [(spec, "sigma"), (spec.generator, "leak"), (spec.langevin, "steps")]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field, 1)


def test_fitting_takes_whole_positions_of_the_first_map() -> None:
    spec = GeneratorSpec(**TEXTURE).fitted_to((100, 33), 1)
    assert spec.latent_shape == (16, 6, 2)
    assert spec.signal_shape == (1, 96, 32)


def test_fitting_a_vector_latent_changes_its_projection_only() -> None:
    faces = GeneratorSpec(**TEXTURE | {"latent_shape": (100,), "projection": (512, 4, 4)})
    fitted = faces.fitted_to((40, 40), 3)
    assert fitted.latent_shape == (100,)
    assert fitted.projection == (512, 2, 2)


@pytest.mark.parametrize("extent", [(15, 100), (100,), (16, 16, 16)])
def test_data_that_no_position_fits_is_refused(extent: tuple[int, ...]) -> None:
    with pytest.raises(SpecRejected, match=r"too small.*16 long\.$"):
        GeneratorSpec(**TEXTURE).fitted_to(extent, 3)


def test_a_signal_that_no_machine_could_hold_is_refused() -> None:
    with pytest.raises(SpecRejected, match="at most"):
        GeneratorSpec(**(TEXTURE | {"latent_shape": (16, 2000, 2000)}))
