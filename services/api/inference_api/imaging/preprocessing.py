"""How pixels become a version's input tensor. The bundle says it, and the routes document passes it on."""

from dataclasses import dataclass
from typing import Any

from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window

RESAMPLE_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")

# Within these every tensor is finite in float32.
LARGEST = 1e9
SMALLEST = 1e-9

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Tensor = (pixel * scale - mean) / std per channel, after a resize to the input's size with the `resample` filter.

    `mean` and `std` have a number for each channel.

    `intensity` says how 16-bit, float and DICOM pixels become 8 bits. None: the version does not read such images.
    """

    resample: str
    scale: float
    mean: Numbers
    std: Numbers
    intensity: Intensity | None


def parse(value: object, where: str, channels: int = 3) -> Preprocessing:
    """Reads an untrusted document of a version whose input has so many channels.

    Raises ValueError, which names the field below `where` and what to write there.
    """
    fields = _mapping(value, where)
    resample = fields.get("resample")
    if resample not in RESAMPLE_FILTERS:
        raise ValueError(f"{where}.resample is {resample!r}; write one of {', '.join(RESAMPLE_FILTERS)}")
    return Preprocessing(
        resample=str(resample),
        scale=_positive(fields.get("scale"), f"{where}.scale"),
        mean=_numbers(fields.get("mean"), f"{where}.mean", channels),
        std=_numbers(fields.get("std"), f"{where}.std", channels, positive=True),
        intensity=_intensity(fields.get("intensity"), f"{where}.intensity"),
    )


def _intensity(value: object, where: str) -> Intensity | None:
    if value is None:
        return None
    fields = _mapping(value, where)
    match fields.get("kind"):
        case "window":
            center = _number(fields.get("center"), f"{where}.center")
            return Window(center, _positive(fields.get("width"), f"{where}.width"))
        case "percentile":
            return _percentile(fields, where)
        case "voi":
            return Voi()
    raise ValueError(f"{where}.kind is {fields.get('kind')!r}; write window, percentile or voi")


def _percentile(fields: dict[str, Any], where: str) -> Percentile:
    low = _number(fields.get("low"), f"{where}.low")
    high = _number(fields.get("high"), f"{where}.high")
    if not 0 <= low < high <= 100:
        raise ValueError(f"{where}: low {low:g} and high {high:g} must be percentiles with 0 <= low < high <= 100")
    return Percentile(low, high)


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {_shown(value)}; write an object")
    return value


def _numbers(value: object, where: str, channels: int, positive: bool = False) -> Numbers:
    if not isinstance(value, list | tuple) or len(value) != channels:
        wanted = "one number" if channels == 1 else "three numbers"
        raise ValueError(f"{where} is {_shown(value)}; write a list of {wanted}, one per channel")
    read = _positive if positive else _number
    return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))


def _positive(value: object, where: str) -> float:
    number = _number(value, where)
    if number < SMALLEST:
        raise ValueError(f"{where} is {number:g}; write a number of at least {SMALLEST:g}")
    return number


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{where} is {_shown(value)}; write a number between -{LARGEST:g} and {LARGEST:g}")
    return float(value)


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:80]
