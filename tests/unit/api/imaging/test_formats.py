"""The table of image formats: a file of each is read, and every text that names the formats names all of them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from inference_api import page
from inference_api.imaging import formats, images
from inference_api.imaging.formats import FORMATS, ImageFormat
from inference_api.main import create_app
from inference_api.prediction import warmup
from inference_api.problems import Problem
from inference_api.settings import Settings

from ci.stack.folders import ROOT
from tests.harness.hostile.files import read_files

each_format = pytest.mark.parametrize("one", [pytest.param(one, id=one.name) for one in FORMATS])


@each_format
def test_a_file_of_each_format_is_among_those_that_decoders_are_tested_with(one: ImageFormat) -> None:
    assert one in map(formats.find, read_files().values())


def test_each_file_has_one_format() -> None:
    for name, data in read_files().items():
        assert sum(one.matches(data) for one in FORMATS) == 1, name


def test_a_dicom_file_may_begin_like_a_tiff() -> None:
    """PS3.10 section 7.1: the 128 bytes before the magic word are free."""
    plain = read_files()["mr.dcm"]
    found = formats.find(b"II*\0" + plain[4:])
    assert found is not None and found.name == "DICOM"


@each_format
def test_a_worker_is_warm_for_each_format(one: ImageFormat) -> None:
    """DICOM is not written by Pillow: pydicom is imported once the worker is ready."""
    assert one.name == "DICOM" or one in map(formats.find, warmup.samples())


def in_the_problem() -> str:
    with pytest.raises(Problem) as refused:
        images.decode(b"no image", max_pixels=1)
    return refused.value.detail


def in_the_openapi_document() -> str:
    form = create_app(Settings(routes_file=Path("routes.json"))).public.openapi()["paths"]["/predict"]["post"][
        "requestBody"
    ]
    return str(form["content"]["multipart/form-data"]["schema"]["properties"]["image"]["description"])


async def test_the_page_names_each_and_its_file_chooser_offers_them() -> None:
    html = bytes((await page.page()).body).decode()
    shown = re.findall(r'id="formats"[^>]*>([^<]*)<', html)
    assert shown == [formats.listed("or")]
    (accept,) = re.findall(r'accept="([^"]*)"', html)
    assert accept.split(",") == [kind for one in FORMATS for kind in one.accept]


def in_the_runbook() -> str:
    (row,) = re.findall(r"^\| `not-an-image` \|.*$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    return str(row)


@pytest.mark.parametrize(
    ("text", "conjunction"), [(in_the_problem, "and"), (in_the_openapi_document, "or"), (in_the_runbook, "or")]
)
def test_a_text_names_each(text: Callable[[], str], conjunction: str) -> None:
    assert formats.listed(conjunction) in text()
