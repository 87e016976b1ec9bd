"""The HorizontalPodAutoscaler that the chart makes, before a real autoscaler that looks every 2 s."""

import json
from pathlib import Path

from ci.stack.cluster_objects import TRITON
from ci.stack.kubernetes import Json
from ci.stack.waiting import wait_until
from tests.harness.chart.helm import CHART, of_kind, render
from tests.harness.rollout.namespace import Namespace

VALUES = CHART / "ci" / "cpu-values.yaml"
ON = {"enabled": True, "kind": "ExternalMetrics", "scaleDownAfterSeconds": 0}
# As many at a time as it likes: then nothing but the floor holds a replica.
AT_ONCE = {"policies": [{"type": "Pods", "value": 10, "periodSeconds": 1}]}


class Autoscaler:
    """`values`: those of the chart's triton.autoscaling that differ from ON; `folder` is for a file of values."""

    def __init__(self, namespace: Namespace, folder: Path, **values: float) -> None:
        self._client = namespace.client
        self._collection = f"/apis/autoscaling/v2/namespaces/{namespace.name}/horizontalpodautoscalers"
        self._stateful_set = f"/apis/apps/v1/namespaces/{namespace.name}/statefulsets/{TRITON}"
        file = folder / "autoscaling.yaml"
        file.write_text(json.dumps({"triton": {"autoscaling": ON | values}, "networkPolicy": {"enabled": False}}))
        body = of_kind(render(VALUES, file), "HorizontalPodAutoscaler")[TRITON]
        body["metadata"]["namespace"] = namespace.name
        body["spec"]["behavior"]["scaleDown"] |= AT_ONCE
        self._client.create(self._collection, body)

    def set_min(self, replicas: int) -> None:
        """The fewest that it may leave."""
        self._client.merge(f"{self._collection}/{TRITON}", {"spec": {"minReplicas": replicas}})

    def replicas(self) -> int:
        """What it set last."""
        return int(self._client.get(self._stateful_set)["spec"]["replicas"])

    def wait_for_replicas(self, replicas: int, timeout_seconds: float = 120) -> None:
        try:
            wait_until(lambda: self.replicas() == replicas, f"the autoscaler wants {replicas}", timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._status()}") from None

    def _status(self) -> Json:
        status: Json = self._client.get(f"{self._collection}/{TRITON}").get("status", {})
        return status
