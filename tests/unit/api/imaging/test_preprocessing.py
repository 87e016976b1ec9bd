import pytest
from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window
from inference_api.imaging.preprocessing import Preprocessing, parse

GOOD = {"resample": "bicubic", "scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1], "intensity": None}
WHERE = "versions.2.preprocessing"


def test_reads_what_a_bundle_says() -> None:
    assert parse(GOOD, WHERE) == Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None)


def test_unknown_fields_are_ignored() -> None:
    assert parse(GOOD | {"crop": 5}, WHERE) == parse(GOOD, WHERE)


def test_equal_ones_share_a_tensor() -> None:
    assert hash(parse(GOOD, WHERE)) == hash(parse(dict(GOOD), WHERE))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"kind": "window", "center": 40, "width": 80}, Window(40.0, 80.0), id="window"),
        pytest.param({"kind": "percentile", "low": 0.5, "high": 99.5}, Percentile(0.5, 99.5), id="percentile"),
        pytest.param({"kind": "voi"}, Voi(), id="voi"),
    ],
)
def test_reads_the_intensity(document: object, expected: Intensity | None) -> None:
    assert parse(GOOD | {"intensity": document}, WHERE).intensity == expected


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(None, f"{WHERE} is missing; write an object", id="missing"),
        pytest.param([], f"{WHERE} is []; write an object", id="a-list"),
        pytest.param(GOOD | {"resample": "cubic"}, f"{WHERE}.resample is 'cubic'; write one of nearest", id="filter"),
        pytest.param(GOOD | {"resample": ["box"]}, f"{WHERE}.resample is", id="filter-no-string"),
        pytest.param(GOOD | {"scale": 0}, f"{WHERE}.scale is 0; write a number of at least 1e-09", id="scale-zero"),
        pytest.param(GOOD | {"scale": "1"}, f"{WHERE}.scale is '1'; write a number between", id="scale-text"),
        pytest.param(GOOD | {"scale": True}, f"{WHERE}.scale is True; write a number between", id="scale-bool"),
        pytest.param(GOOD | {"scale": float("nan")}, f"{WHERE}.scale is nan; write a number between", id="scale-nan"),
        pytest.param(GOOD | {"scale": 10**400}, f"{WHERE}.scale is 1000", id="scale-beyond-floats"),
        pytest.param(GOOD | {"scale": 1e-12}, f"{WHERE}.scale is 1e-12; write", id="scale-too-small-for-the-tensor"),
        pytest.param(GOOD | {"mean": [0, 0]}, f"{WHERE}.mean is [0, 0]; write a list of three", id="mean-of-two"),
        pytest.param(GOOD | {"mean": [0, 0, None]}, f"{WHERE}.mean[2] is missing; write a number", id="mean-null"),
        pytest.param(
            GOOD | {"std": [1, 0, 1]}, f"{WHERE}.std[1] is 0; write a number of at least 1e-09", id="std-zero"
        ),
        pytest.param({key: GOOD[key] for key in GOOD if key != "std"}, f"{WHERE}.std is missing", id="std-missing"),
        pytest.param(GOOD | {"intensity": "voi"}, f"{WHERE}.intensity is 'voi'; write an object", id="intensity-text"),
        pytest.param(GOOD | {"intensity": {"kind": "auto"}}, "kind is 'auto'; write window, percentile", id="kind"),
        pytest.param(GOOD | {"intensity": {"kind": "window", "center": 1, "width": -5}}, "width is -5", id="width"),
        pytest.param(GOOD | {"intensity": {"kind": "window", "width": 5}}, "center is missing", id="no-center"),
        pytest.param(
            GOOD | {"intensity": {"kind": "percentile", "low": 60, "high": 40}}, "0 <= low < high <= 100", id="order"
        ),
    ],
)
def test_refuses_and_names_the_field_and_what_to_write(document: object, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse(document, WHERE)
    assert message in str(refused.value)
