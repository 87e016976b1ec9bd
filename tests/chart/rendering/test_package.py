"""What `helm package` puts into the archive that a release publishes."""

import base64
import tarfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, KUBERNETES

# Folders that no user of the chart needs.
LEFT_OUT = {"ci", "__pycache__"}
SVG = "data:image/svg+xml;base64,"
METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    helm.run("package", str(CHART), "--destination", str(folder))
    [path] = folder.iterdir()
    return path


def test_its_name_has_the_version(archive: Path) -> None:
    assert archive.name == f"medinfer-{METADATA['version']}.tgz"


def test_it_holds_the_chart_without_the_values_of_the_tests(archive: Path) -> None:
    here = {str(path.relative_to(CHART)) for path in CHART.rglob("*") if path.is_file()}
    with tarfile.open(archive) as tar:
        packed = {name.removeprefix("medinfer/") for name in tar.getnames()}
    assert packed == {path for path in here if not LEFT_OUT & set(Path(path).parts)}


def test_it_renders_what_the_folder_renders(archive: Path) -> None:
    packed = helm.run("template", "medinfer", str(archive), "--namespace", "default", "--kube-version", KUBERNETES)
    assert packed == helm.render_text()


@pytest.mark.parametrize("field", ["home", "sources", "maintainers", "icon", "keywords", "description"])
def test_a_catalogue_of_charts_can_show_it(field: str) -> None:
    assert METADATA[field]


def test_the_icon_is_an_svg() -> None:
    assert METADATA["icon"].startswith(SVG)
    assert ElementTree.fromstring(base64.b64decode(METADATA["icon"].removeprefix(SVG))).tag.endswith("}svg")
