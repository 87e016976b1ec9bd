"""The pods of a rendered release, as the controllers would make them, and where the scheduler puts them."""

from collections import defaultdict
from collections.abc import Iterator

from ci.stack.kubernetes import Client, Refused
from ci.stack.waiting import wait_until
from tests.harness.chart.helm import Json, of_kind

COMPONENT = "app.kubernetes.io/component"


class Placing:
    """The pods of one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client, self._namespace, self._core = client, namespace, f"/api/v1/namespaces/{namespace}"

    def create(self, objects: list[Json]) -> None:
        for claim in claims(objects):
            self._client.create(f"{self._core}/persistentvolumeclaims", claim)
        for pod in pods(objects):
            self._client.create(f"{self._core}/pods", pod)

    def delete(self) -> None:
        self._client.delete(f"{self._core}/pods", gracePeriodSeconds="0")

    def wait_until_bound(self) -> dict[str, list[str]]:
        """The nodes of all pods, by component."""
        pods = wait_until(self._bound, "all pods are bound", 90)
        found = defaultdict(list)
        for pod in pods:
            found[pod["metadata"]["labels"][COMPONENT]].append(pod["spec"]["nodeName"])
        return dict(found)

    def node(self, pod: str) -> str:
        return str(self._client.get(f"{self._core}/pods/{pod}")["spec"].get("nodeName", ""))

    def failures(self, pod: str) -> list[str]:
        """What the scheduler said of it."""
        query = f"reason=FailedScheduling,involvedObject.name={pod}"
        events = self._client.get(f"{self._core}/events", fieldSelector=query)["items"]
        return [event["message"] for event in events]

    def tell_refusal(self, owner: str, pod: str, refused: Refused) -> str:
        """What the StatefulSet's controller says of it, when the API server does not let it make the pod."""
        message = f"create Pod {pod} in StatefulSet {owner} failed error: {refused}"
        involved = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": owner, "namespace": self._namespace}
        body = {"metadata": {"generateName": f"{owner}."}, "involvedObject": involved, "type": "Warning"}
        self._client.create(f"{self._core}/events", body | {"reason": "FailedCreate", "message": message})
        return message

    def _bound(self) -> list[Json] | None:
        pods: list[Json] = self._client.get(f"{self._core}/pods")["items"]
        return pods if all("nodeName" in pod["spec"] for pod in pods) else None


def pods(objects: list[Json]) -> Iterator[Json]:
    for one, name in replicas(objects):
        template, names = one["spec"]["template"], claim_names(one)
        volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}} for claim in names]
        spec = template["spec"] | {"volumes": [*template["spec"].get("volumes", ()), *volumes]}
        yield {"metadata": template["metadata"] | {"name": name}, "spec": spec}


def claims(objects: list[Json]) -> Iterator[Json]:
    for one, name in replicas(objects):
        for claim in one["spec"].get("volumeClaimTemplates", ()):
            yield {"metadata": {"name": f"{claim['metadata']['name']}-{name}"}, "spec": claim["spec"]}


def claim_names(workload: Json) -> list[str]:
    return [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())]


def replicas(objects: list[Json]) -> Iterator[tuple[Json, str]]:
    """Each workload with the name of each of its pods; the autoscaler's are as few as it allows."""
    autoscalers = of_kind(objects, "HorizontalPodAutoscaler")
    for one in objects:
        if one["kind"] in ("Deployment", "StatefulSet"):
            name, spec = one["metadata"]["name"], one["spec"]
            wanted = spec["replicas"] if "replicas" in spec else autoscalers[name]["spec"]["minReplicas"]
            yield from ((one, f"{name}-{number}") for number in range(wanted))
