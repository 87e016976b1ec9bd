"""What is found in an image, and what is accepted as a list of it. The real ones are written by `make sbom`."""

import json
from pathlib import Path

import pytest

from ci.images.catalog import OURS
from ci.images.contents import Package, packages
from ci.images.sbom import LOCKED, Incomplete, check, document, parse

LIBC = Package("libc6", "2.36-9+deb12u10", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64")
NUMPY = Package("numpy", "2.3.5", "pkg:pypi/numpy@2.3.5")
STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library
 Package: none

Package: bash
Status: deinstall ok config-files
Architecture: amd64
Version: 5.2
"""


def test_debians_packages_and_pythons_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    for folder, name in (
        ("opt/medinfer/lib/python3.11/site-packages", "NumPy"),
        ("usr/lib/python3/dist-packages", "x"),
    ):
        info = tmp_path / folder / f"{name}-2.3.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.3.5\n")
    assert packages(tmp_path) == [LIBC, NUMPY, Package("x", "2.3.5", "pkg:pypi/x@2.3.5")]


def test_the_list_is_cyclonedx() -> None:
    written = json.loads(document("medinfer-api", "0123456789ab", [LIBC, NUMPY]))
    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["purl"] for one in written["components"]} == {LIBC.purl, NUMPY.purl}
    assert written["metadata"]["component"]["name"] == "medinfer-api"


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        pytest.param([LIBC], r"lacks Python packages .*numpy", id="no-python"),
        pytest.param([LIBC, Package("numpy", "2.3.4", "pkg:pypi/numpy@2.3.4")], "lacks Python", id="another-version"),
        pytest.param([NUMPY], "lacks Debian's libc6", id="no-debian"),
    ],
)
def test_a_list_that_lacks_something_is_refused(found: list[Package], problem: str) -> None:
    check([LIBC, NUMPY], {("numpy", "2.3.5")})
    with pytest.raises(Incomplete, match=problem):
        check(found, {("numpy", "2.3.5")})


def test_what_a_lock_puts_into_an_image() -> None:
    exported = """
./services/api
aiohttp==3.13.2
    # via inference-api
Typing_Extensions==4.15.0 ; python_full_version < '3.13'
tomli==2.3.0 ; python_full_version >= '3.12'
colorama==0.4.6 ; sys_platform == 'win32'
"""
    assert parse(exported) == {("aiohttp", "3.13.2"), ("typing-extensions", "4.15.0")}


def test_every_image_that_runs_python_is_held_against_its_lock() -> None:
    assert {image.name for image in OURS} - LOCKED.keys() == {"medinfer-bundles"}
