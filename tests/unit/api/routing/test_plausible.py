"""Routes that parse, and that are not obeyed all the same: those of a foreign host, and those from the future."""

import json
from dataclasses import replace

import pytest
from inference_api.routing.document import Replica, Routes, parse
from inference_api.routing.plausible import refuse

from tests.harness.routes import document

NOW = 1_800_000_000
OWN = ("*.medinfer-triton-replicas.clinic.svc", "10.1.0.0/16")


def routes(revision: int = 0, host: str = "127.0.0.1") -> Routes:
    read = parse(json.dumps(document()).encode())
    return replace(read, revision=revision, replicas=(Replica("triton-0", host, 8000, frozenset({1, 2})),))


@pytest.mark.parametrize("revision", [0, 7, NOW, NOW + 86_400])
def test_a_revision_of_now(revision: int) -> None:
    assert refuse(routes(revision), NOW, ()) is None


@pytest.mark.parametrize("revision", [NOW + 86_401, 2**53 - 1])
def test_a_revision_that_no_later_one_could_follow(revision: int) -> None:
    """Regression guard: with 2^53-1 the operator had no higher one, so foreign routes were in force for ever."""
    assert f"revision: is {revision}, more than a day ahead" in str(refuse(routes(revision), NOW, ()))


@pytest.mark.parametrize("host", ["medinfer-triton-0.medinfer-triton-replicas.clinic.svc", "10.1.2.3"])
def test_an_own_replica(host: str) -> None:
    assert refuse(routes(host=host), NOW, OWN) is None


@pytest.mark.parametrize(
    "host",
    [
        "exfil.example.org",
        "medinfer-triton-0.medinfer-triton-replicas.clinic.svc.example.org",
        "evilmedinfer-triton-replicas.clinic.svc",
        "medinfer-triton-replicas.clinic.svc",
        "10.2.0.1",
        "::ffff:10.1.2.3",
    ],
)
def test_a_foreign_replica_gets_no_image(host: str) -> None:
    assert f"replicas: triton-0 is at {host}, which is none of the own" in str(refuse(routes(host=host), NOW, OWN))
    assert refuse(routes(host=host), NOW, ()) is None
