"""An image waits for memory to decode it in; one that never fits, or waits too long, is refused."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.prediction.uploads import Decoder
from inference_api.problems import Overloaded, Problem
from inference_api.routing.contract import FIRST
from inference_api.routing.document import Version
from inference_api.transport.request_buffers import RequestBuffers

from tests.harness.hostile.dicoms import dicom_file
from tests.harness.hostile.files import colour, encoded

VERSION = Version(1, "sha256:1", ("a", "b", "c", "d"), Preprocessing("box", 1.0, (0.0,) * 3, (1.0,) * 3, None))
BUDGET_BYTES = 12_000_000
SMALL, THREADED = encoded(colour(), "PNG"), encoded(colour(), "WEBP")

DURING_THE_IMPORT = """
import asyncio, pathlib, sys
from inference_api.imaging.intensity import Voi
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.prediction.uploads import Decoder
from inference_api.routing.contract import FIRST
from inference_api.routing.document import Version
from inference_api.transport.request_buffers import RequestBuffers

async def prepare_two(file):
    decoder = Decoder(10**6, 60, MemoryBudget(10**9), RequestBuffers())
    version = Version(1, "", ("a", "b", "c", "d"), Preprocessing("box", 1.0, (0.0,) * 3, (1.0,) * 3, Voi()))
    decoder.import_dicom()
    while "pydicom" not in sys.modules:
        await asyncio.sleep(0)
    await asyncio.gather(*(decoder.upload([file]).prepare(version) for _ in range(2)))

asyncio.run(prepare_two(pathlib.Path(sys.argv[1]).read_bytes()))
"""

each_way = pytest.mark.parametrize("file", [pytest.param(SMALL, id="on-the-loop"), pytest.param(THREADED, id="thread")])


def decoder(memory: MemoryBudget, max_wait_seconds: float = 0.0) -> Decoder:
    return Decoder(10**6, max_wait_seconds, memory, RequestBuffers())


@each_way
async def test_memory_is_free_again_once_the_tensor_is_there(file: bytes) -> None:
    memory = MemoryBudget(BUDGET_BYTES)
    body = memory.body("a")
    body.hold(len(file))
    upload = decoder(memory).upload([file, file], body)
    await upload.prepare(VERSION)
    assert memory.used_bytes == len(file)
    upload.close()
    assert memory.used_bytes == 0


@each_way
async def test_an_image_waits_for_memory(file: bytes) -> None:
    memory = MemoryBudget(BUDGET_BYTES)
    with memory.decoding() as need:
        need(memory.max_decoding_bytes)
        waiting = asyncio.create_task(decoder(memory, 60).upload([file]).prepare(VERSION))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
    await waiting


@each_way
async def test_no_longer_than_it_may(file: bytes) -> None:
    memory = MemoryBudget(BUDGET_BYTES)
    with memory.decoding() as need, pytest.raises(Overloaded):
        need(memory.max_decoding_bytes)
        await decoder(memory, 0.1).upload([file]).prepare(VERSION)


@each_way
async def test_an_image_that_never_fits_is_refused_at_once(file: bytes) -> None:
    with pytest.raises(Problem, match="bytes of memory") as refused:
        await decoder(MemoryBudget(1000), 60).upload([file]).prepare(VERSION)
    assert refused.value.status == 413


def test_dicom_files_come_while_pydicom_is_imported(tmp_path: Path) -> None:
    """They wait, because a second thread that imports it sees halves of its modules."""
    path = tmp_path / "mr.dcm"
    path.write_bytes(dicom_file(np.zeros((9, 9), np.uint16)))
    ended = subprocess.run([sys.executable, "-c", DURING_THE_IMPORT, str(path)], text=True, capture_output=True)
    assert ended.returncode == 0, ended.stderr


async def test_tensors_larger_than_those_of_schema_version_1_are_counted_with_the_upload() -> None:
    memory = MemoryBudget(BUDGET_BYTES)
    body = memory.body("a")
    body.hold(len(SMALL))
    large = replace(VERSION, contract=replace(FIRST, shape=(3, 512, 512)))
    upload = decoder(memory).upload([SMALL], body)
    request = await upload.request_for(large)
    assert request.tensor.shape == (1, 3, 512, 512)
    assert memory.used_bytes == len(SMALL) + 4 * 3 * (512 * 512 - 224 * 224)
    assert (await upload.request_for(VERSION)).tensor.shape == (1, 3, 224, 224)
    upload.close()
    assert memory.used_bytes == 0


async def test_tensors_for_which_there_is_no_memory_are_refused() -> None:
    memory = MemoryBudget(BUDGET_BYTES)
    large = replace(VERSION, contract=replace(FIRST, shape=(3, 1024, 1024)))
    with pytest.raises(Overloaded):
        await decoder(memory).upload([SMALL] * 16, memory.body("a")).request_for(large)
    assert memory.used_bytes == 0
