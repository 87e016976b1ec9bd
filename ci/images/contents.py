"""Which packages lie in the file system of an image: Debian's, by dpkg's own list, and Python's, by their metadata."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path

from packageurl import PackageURL
from packaging.utils import canonicalize_name

PYTHON_FOLDERS = ("usr/lib/python3*/dist-packages", "usr/local/lib/python3*/site-packages", "opt/**/site-packages")


@dataclass(frozen=True, order=True)
class Package:
    """`purl`: its name in all the world, https://github.com/package-url/purl-spec."""

    name: str
    version: str
    purl: str


def packages(root: Path) -> list[Package]:
    """Of the image whose file system is at `root`."""
    status = root / "var/lib/dpkg/status"
    debian = debian_packages(status.read_text()) if status.exists() else ()
    return sorted({*debian, *python_packages(root)})


def debian_packages(status: str) -> Iterator[Package]:
    """`status`: dpkg's. Those that are installed."""
    for paragraph in status.split("\n\n"):
        fields = HeaderParser().parsestr(paragraph.strip())
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            qualifiers = {"arch": fields["Architecture"]}
            yield Package(name, version, PackageURL("deb", "debian", name, version, qualifiers).to_string())


def python_packages(root: Path) -> Iterator[Package]:
    """By name and version, wherever an interpreter of the image looks for them."""
    folders = [str(path) for pattern in PYTHON_FOLDERS for path in root.glob(pattern)]
    for found in distributions(path=folders):
        name = canonicalize_name(found.name)
        yield Package(name, found.version, PackageURL("pypi", None, name, found.version).to_string())
