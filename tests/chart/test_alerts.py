"""The API server accepts the alerts as a PrometheusRule, and promtool says that they fire when they should."""

from pathlib import Path

import yaml

from ci.stack.control_plane import binary
from ci.stack.kubernetes import Cluster
from tests.harness.chart import promtool
from tests.harness.kubectl import Kubectl

FILE = Path(__file__).parents[2] / "manifests" / "monitoring" / "alerts.yaml"
SITUATIONS = Path(__file__).with_name("alerts.yaml")


def test_the_api_server_takes_them(cluster: Cluster, kubectl: Kubectl) -> None:
    cluster.install_crd(binary("prometheusrules.yaml"))
    assert "prometheusrule.monitoring.coreos.com/medinfer serverside-applied" in kubectl.dry_run(FILE.read_text())


def test_each_situation_fires_what_it_should(tmp_path: Path) -> None:
    assert promtool.check(yaml.safe_load(FILE.read_text())["spec"], SITUATIONS, tmp_path) == ""


def test_a_threshold_that_is_wrong_would_be_seen(tmp_path: Path) -> None:
    spec = yaml.safe_load(FILE.read_text())["spec"]
    rule = spec["groups"][0]["rules"][0]
    rule["expr"] = rule["expr"].replace("> 0", "> 9")
    assert "MedinferRequestsFail" in promtool.check(spec, SITUATIONS, tmp_path)


def test_every_alert_fires_in_one_situation_and_not_in_another() -> None:
    named = {rule["alert"] for group in yaml.safe_load(FILE.read_text())["spec"]["groups"] for rule in group["rules"]}
    fires, silent = set(), set()
    for situation in yaml.safe_load(SITUATIONS.read_text())["tests"]:
        looks = situation["alert_rule_test"]
        fires |= {look["alertname"] for look in looks if look["exp_alerts"]}
        silent |= {look["alertname"] for look in looks if not any(one["exp_alerts"] for one in looks)}
    assert fires == silent == named
