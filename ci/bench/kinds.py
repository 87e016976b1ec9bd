"""CPU time per request by the kind of image and of model, next to the grey JPEG that the other runs send."""

import io
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from modelctl.demo.chest import samples
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian as Uncompressed
from pydicom.uid import JPEG2000Lossless, MRImageStorage, generate_uid

from ci.bench.results import Check, Table
from ci.bench.servers import cpu_seconds, ours, replica, serving
from ci.bench.stand import Stand
from ci.load.images import grey_pixels
from ci.load.k6 import run_closed
from ci.stack.api import Api
from ci.stack.documents import Json, build_routes
from ci.stack.say import say

BRAIN, CHEST = "four classes, 3x224x224", "chest findings, 1x320x320"
JPEG = "8-bit JPEG"
USERS = 10
ROUNDS = 5
SECONDS = 4.0


@dataclass(frozen=True)
class Spent:
    """CPU milliseconds per request in the API's processes."""

    api_ms: float
    failed: int


def measure(stand: Stand) -> tuple[Table, Check]:
    spent = run_all(stand)
    usual = median(run.api_ms for run in spent[BRAIN, JPEG])
    rows = []
    for (model, kind), runs in spent.items():
        api_ms = median(run.api_ms for run in runs)
        rows.append((model, kind, f"{api_ms:.2f}", f"{api_ms / usual:.2f}"))
    failed = sum(run.failed for runs in spent.values() for run in runs)
    table = Table(("model", "image", "CPU ms per request", "ratio"), rows)
    return table, Check("failed requests, kinds", failed, at_most=0)


def describe(stand: Stand) -> str:
    return (
        f"By kind of image and model: the same with {USERS} users, the median of {stand.count(ROUNDS)} rounds; in each "
        "round every kind is sent for some seconds. The images have 512x512 pixels; those of 16 bits hold 12. The "
        "first model takes DICOM's own window."
    )


def run_all(stand: Stand) -> dict[tuple[str, str], list[Spent]]:
    deep = deep_pixels()
    deep_files = {
        "16-bit PNG": png(deep),
        "DICOM, uncompressed": dicom(deep),
        "DICOM, JPEG 2000": dicom(deep, compressed=True),
    }
    spent: defaultdict[tuple[str, str], list[Spent]] = defaultdict(list)
    with ExitStack() as running:
        brain = serve(stand, running, 0, stand.tiny[0], with_voi)
        chest = serve(stand, running, 1, stand.chest[0])
        sent = [(BRAIN, kind, brain, file) for kind, file in ({JPEG: stand.image} | deep_files).items()]
        sent.append((CHEST, JPEG, chest, chest_jpeg()))
        for _ in range(stand.count(ROUNDS)):
            for model, kind, api, file in sent:
                spent[model, kind].append(run(stand, api, f"{model}, {kind}", file))
    return spent


def serve(
    stand: Stand, running: ExitStack, number: int, bundle: Path, changed: Callable[[Json], Json] = lambda routes: routes
) -> Api:
    """An API of one worker with a replica of its own; `changed` changes its routes."""
    triton = running.enter_context(replica(bundle, stand.folder, f"127.0.0.{21 + number}", f"kinds-{number}"))
    routes = changed(build_routes([(triton.name, triton.url, [1])], bundle))
    folder = stand.folder / f"kinds-api-{number}"  # each with routes of its own
    api = ours(routes, folder, bind=f"127.0.0.{41 + number}:8002", name=folder.name)
    running.enter_context(serving(api, stand.image))
    return api


def run(stand: Stand, api: Api, name: str, image: bytes) -> Spent:
    before = cpu_seconds(api.pid)
    result = run_closed([api.url], [image], stand.folder / "k6", USERS, stand.seconds(SECONDS))
    api_ms = (cpu_seconds(api.pid) - before) * 1000 / result.requests
    say(f"  {name}: {api_ms:.2f} ms CPU, {result.failed} failed")
    return Spent(api_ms, result.failed)


def with_voi(routes: Json) -> Json:
    """The same versions, which take images of any depth."""
    versions = {
        number: version | {"preprocessing": version["preprocessing"] | {"intensity": {"kind": "voi"}}}
        for number, version in routes["versions"].items()
    }
    return {**routes, "versions": versions}


def chest_jpeg() -> bytes:
    """A synthetic chest picture without finding, as large as the usual slice."""
    (picture,) = samples(seed=0, count=1)
    file = io.BytesIO()
    Image.fromarray(picture.image).save(file, "JPEG", quality=95)
    return file.getvalue()


def deep_pixels() -> NDArray[np.uint16]:
    """Uint16 [512, 512] with 12 bits: the usual slice, with noise in the lower four."""
    noise = np.random.default_rng(0).integers(0, 16, (512, 512))
    return (grey_pixels(0).astype(np.uint16) * 16 + noise).astype(np.uint16)


def png(pixels: NDArray[np.uint16]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def dicom(pixels: NDArray[np.uint16], *, compressed: bool = False) -> bytes:
    """An MR image with a window over all of its 12 bits."""
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, generate_uid(entropy_srcs=["bench"])
    data.Modality, data.PhotometricInterpretation, data.SamplesPerPixel = "MR", "MONOCHROME2", 1
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.WindowCenter, data.WindowWidth = 2048, 4096
    data.PixelData = encapsulate([jpeg2000(pixels)]) if compressed else pixels.tobytes()
    data["PixelData"].VR = "OB" if compressed else "OW"
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless if compressed else Uncompressed
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def jpeg2000(pixels: NDArray[np.uint16]) -> bytes:
    """A lossless code stream, which is what DICOM holds: without the boxes of a JP2 file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG2000", irreversible=False, no_jp2=True)
    return file.getvalue()
