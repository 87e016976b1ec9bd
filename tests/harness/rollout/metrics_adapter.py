"""An adapter that serves external metrics: what GET /scaling of the API pods says, to the autoscaler of Kubernetes.

The API server asks it for its part of the API (aggregation). It stands for KEDA's, or for an adapter of one's own.
"""

import asyncio
import base64
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from ci.stack.certificates import Authority
from ci.stack.kubernetes import Client
from tests.harness.threaded import Threaded

GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"
NAME, PORT = "metrics-adapter", 6443
# Metric -> the field of /scaling, and how the pods' numbers become one. As docs/scaling.md says.
METRICS: dict[str, tuple[str, Callable[[Sequence[float]], float]]] = {
    "medinfer_images": ("images", sum),
    "medinfer_replica_floor": ("replicaFloor", max),
}


class MetricsAdapter(Threaded):
    """`inner_urls` is asked at each look. While one API pod does not answer there is no metric: 503."""

    def __init__(self, address: str, namespace: str, folder: Path, inner_urls: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._address, self._namespace, self._inner_urls = address, namespace, inner_urls
        self._authority = Authority(folder / "pki")
        self._certificate = self._authority.issue(NAME, addresses=(f"{NAME}.{namespace}.svc",))
        self.told: list[tuple[str, float]] = []

    def register(self, client: Client) -> None:
        """Gives it the group of external metrics. The Service is of a kind that leads to a loopback address."""
        service = {"type": "ExternalName", "externalName": self._address}
        client.create(f"/api/v1/namespaces/{self._namespace}/services", {"metadata": {"name": NAME}, "spec": service})
        spec = {
            "service": {"name": NAME, "namespace": self._namespace, "port": PORT},
            "group": GROUP,
            "version": VERSION,
            "caBundle": base64.b64encode(self._authority.certificate.read_bytes()).decode(),
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        }
        body = {"metadata": {"name": f"{VERSION}.{GROUP}"}, "spec": spec}
        client.create("/apis/apiregistration.k8s.io/v1/apiservices", body)

    def unregister(self, client: Client) -> None:
        client.delete(f"/apis/apiregistration.k8s.io/v1/apiservices/{VERSION}.{GROUP}")

    async def _start(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._certificate)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        app = web.Application()
        app.router.add_get(f"/apis/{GROUP}/{VERSION}", self._resources)
        app.router.add_get(f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{{metric}}", self._values)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._address, PORT, ssl_context=context).start()

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _resources(self, _: web.Request) -> web.Response:
        kind = {"singularName": "", "namespaced": True, "kind": "ExternalMetricValueList", "verbs": ["get"]}
        resources = [{"name": metric} | kind for metric in METRICS]
        return web.json_response(
            {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}"}
            | {"resources": resources}
        )

    async def _values(self, request: web.Request) -> web.Response:
        metric = request.match_info["metric"]
        if metric not in METRICS:
            return web.Response(status=404)
        field, together = METRICS[metric]
        try:
            pods = await asyncio.gather(*(self._ask(url) for url in self._inner_urls()))
        except aiohttp.ClientError:
            return web.Response(status=503)
        value = together([pod[field] for pod in pods])
        self.told.append((metric, value))
        item = {
            "metricName": metric,
            "metricLabels": {},
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "value": f"{round(value * 1000)}m",
        }
        kind = {"kind": "ExternalMetricValueList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}}
        return web.json_response(kind | {"items": [item]})

    async def _ask(self, url: str) -> Any:
        async with self._session.get(f"{url}/scaling") as answer:
            answer.raise_for_status()
            return await answer.json()
