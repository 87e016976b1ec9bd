"""A control plane as its admin sees it: plain JSON in and out, and namespaces with the Roles of manifests/rbac."""

from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from ci.stack.control_plane import ControlPlane
from ci.stack.folders import ROOT
from ci.stack.waiting import wait_until

Json = dict[str, Any]

CRD = ROOT / "charts" / "medinfer" / "crds" / "modelrollouts.yaml"
ROLES = ROOT / "manifests" / "rbac"
USERS = ("operator", "agent", "api")


class Refused(Exception):
    """The API server said no; `status` is HTTP's, the message the server's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """Requests as one user, whom `http` names. An unreachable API server is an httpx.TransportError."""

    def __init__(self, http: httpx.Client, user: str = "", *, is_dry: bool = False) -> None:
        self._http = http
        self._headers = {"Impersonate-User": user} if user else {}
        self._query = {"dryRun": "All"} if is_dry else {}

    def as_user(self, user: str, *, is_dry: bool = False) -> Self:
        """The same, as somebody else, if ours may impersonate; is_dry: all is judged and nothing is stored."""
        return type(self)(self._http, user, is_dry=is_dry)

    def get(self, path: str, **query: str) -> Json:
        return self._ask("GET", path, query)

    def find(self, path: str) -> Json | None:
        """None when it is not there."""
        try:
            return self.get(path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def create(self, collection: str, body: Json) -> Json:
        """Strict: a field that the server does not know is refused."""
        return self._ask("POST", collection, {"fieldValidation": "Strict"}, body)

    def replace(self, path: str, body: Json) -> Json:
        return self._ask("PUT", path, {"fieldValidation": "Strict"}, body)

    def merge(self, path: str, change: Json) -> Json:
        """A JSON merge patch: null removes a field, lists are replaced."""
        return self._ask("PATCH", path, {"fieldValidation": "Strict"}, change, "application/merge-patch+json")

    def apply(self, path: str, body: Json) -> Json:
        """As `kubectl apply --server-side --force-conflicts`: creates it, or makes our fields these."""
        query = {"fieldManager": "tests", "force": "true", "fieldValidation": "Strict"}
        return self._ask("PATCH", path, query, body, "application/apply-patch+yaml")

    def delete(self, path: str, **query: str) -> None:
        self._ask("DELETE", path, query)

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, query: Json, body: Json | None = None, kind: str = "") -> Json:
        headers = self._headers | ({"Content-Type": kind} if kind else {})

        def send() -> httpx.Response | None:
            response = self._http.request(method, path, params=query | self._query, json=body, headers=headers)
            return None if response.status_code == 429 else response

        response = wait_until(send, "the API server does not ask to come again")
        if response.is_error:
            is_json = response.headers["content-type"].startswith("application/json")
            raise Refused(response.status_code, response.json()["message"] if is_json else response.text)
        document: Json = response.json()
        return document


class Cluster:
    """Has the CRD; each `namespace` is fresh, and in each the users `operator`, `agent`, `api` have their Role."""

    def __init__(self, plane: ControlPlane) -> None:
        verify = plane.ssl_context("admin", ("system:masters",))
        self.plane, self.client = plane, Client(httpx.Client(base_url=plane.url, verify=verify, timeout=10))
        self._numbers = count(1)

    def install_crd(self, file: Path = CRD) -> None:
        """Returns when the API server serves it."""
        body = yaml.safe_load(file.read_text())
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{body['metadata']['name']}"
        self.client.apply(path, body)
        wait_until(lambda: is_true(self.client.get(path), "Established"), "the CRD is established")
        spec = body["spec"]
        served = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        wait_until(lambda: self.client.find(served), f"the API server serves {spec['names']['plural']}")

    def create_namespace(self) -> str:
        """Its name."""
        name = f"rollout-{next(self._numbers)}"
        self.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{name}"
        for user in USERS:
            role = yaml.safe_load((ROLES / f"{user}.yaml").read_text())
            self.client.create(f"{rbac}/roles", role)
            self.client.create(f"{rbac}/rolebindings", binding(user, role["metadata"]["name"]))
        return name

    def kubeconfig(self, user: str, namespace: str) -> Path:
        return self.plane.kubeconfig(user, namespace=namespace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


def is_true(body: Json, condition: str) -> bool:
    conditions = body.get("status", {}).get("conditions") or ()
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


def binding(user: str, role: str) -> Json:
    return {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
