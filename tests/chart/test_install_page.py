"""The values in docs/install.md are valid and produce what the page says."""

import re
from pathlib import Path

import yaml

from tests.harness.chart.helm import CHART, Json, of_kind, render

PAGE = CHART.parents[1] / "docs" / "install.md"


def test_the_values_of_the_page(tmp_path: Path) -> None:
    typical, _ = blocks_of_values()
    (rollout,) = of_kind(rendered(typical, tmp_path), "ModelRollout").values()
    assert rollout["spec"]["artifact"]["uri"] in typical
    assert {"gate": {"name": "clinical-signoff"}} in rollout["spec"]["strategy"]["steps"]


def test_the_way_in_of_the_page(tmp_path: Path) -> None:
    _, way_in = blocks_of_values()
    objects = rendered(way_in, tmp_path)
    for kind, namespaced in (("HTTPRoute", "gateways"), ("ReferenceGrant", "gateways"), ("Certificate", "hospital")):
        (one,) = of_kind(objects, kind).values()
        assert namespaced in yaml.safe_dump(one["spec"])
    assert "medinfer-api-tls" in {one["spec"].get("secretName") for one in of_kind(objects, "Certificate").values()}


def blocks_of_values() -> list[str]:
    """The blocks of the page that are values of the chart; others are objects, or parts of them."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    known = yaml.safe_load((CHART / "values.yaml").read_text()).keys()
    return [block for block in blocks if yaml.safe_load(block).keys() <= known]


def rendered(block: str, folder: Path) -> list[Json]:
    values = folder / "medinfer-values.yaml"
    values.write_text(block)
    return render(values)
