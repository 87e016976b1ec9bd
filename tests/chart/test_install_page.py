"""The values in docs/install.md are valid and produce what the page says."""

import re
from pathlib import Path

from tests.harness.chart.helm import CHART, of_kind, render

PAGE = CHART.parents[1] / "docs" / "install.md"


def test_the_values_of_the_page(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    values = tmp_path / "medinfer-values.yaml"
    values.write_text(block)
    (rollout,) = of_kind(render(values), "ModelRollout").values()
    assert rollout["spec"]["artifact"]["uri"] in block
    assert {"gate": {"name": "clinical-signoff"}} in rollout["spec"]["strategy"]["steps"]
