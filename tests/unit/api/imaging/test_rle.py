"""Run-length coding in DICOM: the samples of pydicom's own plugin, put together without the GIL."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from inference_api.imaging.dicom import rle
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders import rle as pydicom_rle
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.pixels.utils import pixel_array
from pydicom.uid import RLELossless

from tests.harness import gil
from tests.harness.hostile.dicoms import dicom_file

SHAPE = (33, 20)
LARGE_SHAPE = (1024, 1024)


def run_length_coded(dtype: str, *colours: int, shape: tuple[int, int] = SHAPE) -> Dataset:
    values = np.random.default_rng(7).integers(0, np.iinfo(dtype).max, (*shape, *colours), dtype)
    values[:9] = 3  # runs
    data = dcmread(BytesIO(dicom_file(values)))
    data.compress(RLELossless, generate_instance_uid=False, encoding_plugin="pydicom")
    return data


@pytest.mark.parametrize("form", [("u1",), ("u2",), ("u1", 3), ("u2", 3)], ids=str)
def test_samples_are_those_of_pydicom(form: tuple[str, int]) -> None:
    data = run_length_coded(*form)
    ours = pixel_array(data, index=0, decoding_plugin=rle.NAME)
    expected = pixel_array(data, index=0, decoding_plugin="pydicom")
    assert ours.dtype == expected.dtype
    assert np.array_equal(ours, expected)


def test_what_is_behind_the_last_pixel_is_left_alone() -> None:
    data = run_length_coded("u1")
    expected = pixel_array(data, index=0, decoding_plugin="pydicom")
    frame = get_frame(data.PixelData, 0, number_of_frames=1)
    data.PixelData = encapsulate([frame + b"\0\7"])
    assert np.array_equal(pixel_array(data, index=0, decoding_plugin=rle.NAME), expected)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        pytest.param([2, 64, 70], "2 segments", id="too-many-segments"),
        pytest.param([16], "invalid number of segments", id="more-than-there-may-be"),
        pytest.param([1, 64], "a segment of 4 bytes", id="too-short"),
    ],
)
def test_frames_that_do_not_fit_are_refused(header: list[int], words: str) -> None:
    data = run_length_coded("u1")
    head = b"".join(one.to_bytes(4, "little") for one in header).ljust(64, b"\0")
    data.PixelData = encapsulate([head + b"\xfd\1"])
    with pytest.raises(RuntimeError, match=words):
        pixel_array(data, index=0, decoding_plugin=rle.NAME)


@pytest.mark.parametrize(("plugin", "is_let"), [(rle.NAME, True), ("pydicom", False)])
def test_another_thread_goes_on_while_samples_are_put_together(
    plugin: str, is_let: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the last segment on; with pydicom's own plugin none does, which is why there is another one."""
    data = run_length_coded("u2", shape=LARGE_SHAPE)
    real, set_option = pydicom_rle._rle_decode_segment, DecodeRunner.set_option

    def decode(watch: gil.Watch) -> None:
        def segment(coded: bytes) -> bytearray:
            decoded: bytearray = real(coded)
            watch.begin()
            return decoded

        def after(runner: DecodeRunner, name: str, value: Any) -> None:
            if name == "planar_configuration":
                watch.end()
            set_option(runner, name, value)

        for module in (rle, pydicom_rle):
            monkeypatch.setattr(module, "_rle_decode_segment", segment)
        monkeypatch.setattr(DecodeRunner, "set_option", after)
        pixel_array(data, index=0, decoding_plugin=plugin)

    assert gil.is_let(decode) is is_let
