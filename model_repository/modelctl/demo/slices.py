"""Synthetic brain MR slices: real anatomy (the MNI152 template, in nilearn's wheel) with a drawn lesion of each class.

The drawings follow how the classes look on contrast-enhanced T1 images, roughly: a glioma is an irregular bright rim
around a dark core with dark oedema, anywhere inside the brain; a meningioma is an even bright mass on the brain's edge;
a pituitary tumour is a small bright mass in the sella, seen on low slices. None of this is medicine.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from modelctl.bundle.errors import ModelctlError
from modelctl.demo.samples import Slice

Pixels = NDArray[np.float32]

_TEMPLATE = Path("datasets", "data", "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz")
_CANVAS = 256
_SIZE = 512

# Template voxels (1 mm): axial slices through the sella, and those that show much brain above it.
_SELLA_SLICES = (40, 50)
_BRAIN_SLICES = (58, 122)
# Front of the pons on those slices, in rows and columns of the canvas.
_SELLA = (112.0, 128.0)
# Fat, bone and contrast outshine normal tissue, so the brain takes the lower part of the grey scale.
_TISSUE = 0.58


def read_template() -> Pixels:
    """The T1 template, FP32 [197, 233, 189] in 0..1; raises ModelctlError without nilearn. Downloads nothing."""
    # find_spec, not import: importing nilearn takes seconds and only the file is wanted.
    found = importlib.util.find_spec("nilearn")
    if found is None or found.origin is None:
        raise ModelctlError("nilearn is not installed; install modelctl[demo] for the demonstration slices")
    volume = nibabel.nifti1.Nifti1Image.from_filename(Path(found.origin).parent / _TEMPLATE)
    return np.asarray(volume.dataobj, np.float32) / np.float32(255)


def generate(template: Pixels, seed: int, count: int) -> Iterator[Slice]:
    """`count` slices, the four classes (Glioma, Meningioma, Pituitary, No Tumor) in turn; equal seeds, equal pixels."""
    for i in range(count):
        random = np.random.default_rng([seed, i])
        yield Slice(_draw(template, i % 4, random), i % 4)


def _draw(template: Pixels, label_index: int, random: Generator) -> NDArray[np.uint8]:
    # Healthy brains are shown at every level, so that the level alone does not tell the class.
    low = label_index == 2 or (label_index == 3 and random.random() < 0.4)
    brain = _slice(template, int(random.integers(*(_SELLA_SLICES if low else _BRAIN_SLICES))))
    inside = _smooth(brain > 0.1, 2) > 0.5
    skull = _skull_distance(inside)
    scan = _blend(brain * _TISSUE, random.uniform(0.3, 0.5), _edge(np.abs(skull - 5) - 2, 0.8))
    if label_index == 0:
        scan = _glioma(scan, inside, random)
    elif label_index == 1:
        scan = _meningioma(scan, inside, skull, random)
    elif label_index == 2:
        scan = _pituitary(scan, random)
    return _scanner(scan, random)


def _glioma(scan: Pixels, inside: NDArray[np.bool_], random: Generator) -> Pixels:
    center = _somewhere(_smooth(inside, 14) > 0.98, random)
    radius = random.uniform(17, 27)
    tumour = _distance(center, radius, 0.25, random)
    scan = _blend(scan, 0.22, _edge(tumour - random.uniform(6, 12), 4.0) * inside)
    scan = _blend(scan, random.uniform(0.85, 1.0), _edge(tumour, 1.2))
    return _blend(scan, random.uniform(0.08, 0.18), _edge(tumour + random.uniform(5, 8), 1.2))


def _meningioma(scan: Pixels, inside: NDArray[np.bool_], skull: Pixels, random: Generator) -> Pixels:
    blurred = _smooth(inside, 5)
    center = _somewhere((blurred > 0.45) & (blurred < 0.6), random)
    mass = _distance(center, random.uniform(18, 28), 0.06, random)
    return _blend(scan, random.uniform(0.85, 0.97), _edge(np.maximum(mass, skull), 1.0))


def _pituitary(scan: Pixels, random: Generator) -> Pixels:
    row, column = (at + random.uniform(-3, 3) for at in _SELLA)
    mass = _distance((row, column), random.uniform(8, 13), 0.08, random)
    return _blend(scan, random.uniform(0.85, 0.97), _edge(mass, 1.0))


def _scanner(scan: Pixels, random: Generator) -> NDArray[np.uint8]:
    """Poses the head, sets contrast and brightness, and adds noise, as scanners and patients differ."""
    angle, zoom = np.deg2rad(random.uniform(-10, 10)), random.uniform(0.88, 1.08)
    a, b = np.cos(angle) / zoom, np.sin(angle) / zoom
    if random.random() < 0.5:
        scan = scan[:, ::-1]
    x, y = (_CANVAS / 2 + random.uniform(-8, 8) for _ in range(2))
    middle, half = _CANVAS / 2, _CANVAS / _SIZE
    matrix = (a * half, b * half, middle - a * x - b * y, -b * half, a * half, middle + b * x - a * y)
    image = Image.fromarray(np.ascontiguousarray(scan))
    posed = image.transform((_SIZE, _SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    grey = np.clip(np.asarray(posed), 0, 1) ** random.uniform(0.85, 1.2) * random.uniform(0.88, 1.0)
    noisy = grey + random.normal(0, random.uniform(0.004, 0.015), grey.shape)
    return np.asarray(np.clip(noisy * 255 + 0.5, 0, 255), np.uint8)


def _slice(template: Pixels, level: int) -> Pixels:
    """Axial slice on the square canvas, nose up."""
    axial = np.rot90(template[:, :, level])
    canvas = np.zeros((_CANVAS, _CANVAS), np.float32)
    top, left = ((_CANVAS - side) // 2 for side in axial.shape)
    canvas[top : top + axial.shape[0], left : left + axial.shape[1]] = axial
    return canvas


def _skull_distance(inside: NDArray[np.bool_]) -> Pixels:
    """Pixels from the inner table of the skull, negative inside: an ellipse around the brain's bounding box."""
    halves, centers = [], []
    for axis in (1, 0):
        occupied = np.flatnonzero(inside.any(axis=axis))
        centers.append((occupied[0] + occupied[-1]) / 2)
        halves.append((occupied[-1] - occupied[0]) / 2 + 6)
    rows, columns = np.mgrid[:_CANVAS, :_CANVAS].astype(np.float32)
    relative = np.hypot((rows - centers[0]) / halves[0], (columns - centers[1]) / halves[1])
    return np.asarray((relative - 1) * min(halves), np.float32)


def _distance(center: tuple[float, float], radius: float, roughness: float, random: Generator) -> Pixels:
    """Pixels from a wobbly outline around `center`, negative inside."""
    rows, columns = np.mgrid[:_CANVAS, :_CANVAS].astype(np.float32)
    dy, dx = rows - center[0], columns - center[1]
    angle = np.arctan2(dy, dx)
    wobble = sum(random.normal(0, roughness / k) * np.cos(k * angle + random.uniform(0, 6.3)) for k in (2, 3, 4, 5))
    return np.asarray(np.hypot(dy, dx) - radius * (1 + wobble), np.float32)


def _edge(distance: Pixels, softness: float) -> Pixels:
    """1 inside, 0 outside, with an edge `softness` pixels wide."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance / softness, -30, 30))), np.float32)


def _blend(scan: Pixels, grey: float, mask: Pixels) -> Pixels:
    return scan + (grey - scan) * mask


def _smooth(mask: NDArray[np.bool_], radius: int) -> Pixels:
    """Mean over a square of 2 * radius + 1 pixels."""
    blurred = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(radius))
    return np.asarray(blurred, np.float32) / np.float32(255)


def _somewhere(mask: NDArray[np.bool_], random: Generator) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    i = int(random.integers(len(rows)))
    return float(rows[i]), float(columns[i])
