"""The API server accepts the chart's alerts as a PrometheusRule, and promtool says that they fire when they should."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.chart import promtool
from tests.harness.chart.helm import render, render_text
from tests.harness.kubectl import Kubectl

SITUATIONS = [Path(__file__).with_name(name) for name in ("alerts.yaml", "promises.yaml")]
ON = "alerts.enabled=true"


def installed(*files: Path, namespace: str = "medinfer") -> dict[str, Any]:
    """The spec that the chart installs."""
    objects = render(*files, settings=[ON], namespace=namespace)
    (rule,) = [one for one in objects if one["kind"] == "PrometheusRule"]
    spec: dict[str, Any] = yaml.safe_load(yaml.safe_dump(rule["spec"]))
    return spec


def test_the_api_server_takes_them(kubectl: Kubectl) -> None:
    (text,) = [one for one in render_text(settings=[ON]).split("\n---\n") if "kind: PrometheusRule" in one]
    assert "prometheusrule.monitoring.coreos.com/medinfer-alerts serverside-applied" in kubectl.dry_run(text)


@pytest.mark.parametrize("situations", SITUATIONS, ids=lambda path: path.stem)
def test_each_situation_fires_what_it_should(situations: Path, tmp_path: Path) -> None:
    assert promtool.check(installed(), situations, tmp_path) == ""


# What each file's situations must notice: an alert, what its rule says, and what it shall say instead.
WRONG = {
    "alerts": [("MedinferRequestsFail", "> 0", "> 9")],
    "promises": [
        ("MedinferAvailabilityBurnsFast", "6 * (1", "0.006 * (1"),
        ("MedinferLatencyBurnsSlowly", "1 * (1 - 0.99)", "9 * (1 - 0.99)"),
        ("MedinferNotScraped", 'namespace="medinfer"', 'namespace="elsewhere"'),
        ("MedinferConfidenceDrifts", "> 0.1", "> 0.3"),
        ("MedinferClassShareDrifts", "> 0.2", "> 0.7"),
    ],
}


@pytest.mark.parametrize("situations", SITUATIONS, ids=lambda path: path.stem)
def test_thresholds_that_are_wrong_would_be_seen(situations: Path, tmp_path: Path) -> None:
    spec = installed()
    for alert, there, instead in WRONG[situations.stem]:
        (rule,) = [rule for group in spec["groups"] for rule in group["rules"] if rule.get("alert") == alert]
        assert there in rule["expr"]
        rule["expr"] = rule["expr"].replace(there, instead)
    found = promtool.check(spec, situations, tmp_path)
    assert {alert for alert, _, _ in WRONG[situations.stem] if alert not in found} == set()


PROMISED = {"availability": 0.95, "latency": {"objective": 0.9, "seconds": 0.5181}}
WRITTEN = {"(1 - 0.95)": 8, "(1 - 0.9)": 8, 'le="0.5181"': 7}


def test_what_is_promised_is_a_value(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"alerts": PROMISED}))
    text, without = (yaml.safe_dump(one, width=100_000) for one in (installed(tmp_path / "values.yaml"), installed()))
    assert {piece: text.count(piece) for piece in WRITTEN} == WRITTEN
    assert [piece for piece in WRITTEN if piece in without] == []


def test_each_namespace_looks_after_itself() -> None:
    assert 'absent(inference_api_workers{namespace="hospital"})' in str(installed(namespace="hospital"))


def test_they_are_not_installed_unasked() -> None:
    assert "PrometheusRule" not in {one["kind"] for one in render()}


def test_every_alert_fires_in_one_situation_and_not_in_another() -> None:
    named = {rule["alert"] for group in installed()["groups"] for rule in group["rules"] if "alert" in rule}
    fires, silent = set(), set()
    for situation in (one for file in SITUATIONS for one in yaml.safe_load(file.read_text())["tests"]):
        looks = situation["alert_rule_test"]
        fires |= {look["alertname"] for look in looks if look["exp_alerts"]}
        silent |= {look["alertname"] for look in looks if not any(one["exp_alerts"] for one in looks)}
    assert fires == silent == named
