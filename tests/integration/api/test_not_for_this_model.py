"""A real API refuses a file that the version is not for; neither its answer nor its log tells what the file says."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.replica import Replica
from tests.harness.hostile.dicoms import PATIENT, dicom_file

pytestmark = pytest.mark.integration

BIND = "127.0.0.54:8002"
SLICE = np.full((64, 64), 7, np.uint8)
INPUTS = {"modality": ["MR"], "bodyPart": ["HEAD", "BRAIN"], "smallestSize": [32, 32], "required": ["modality"]}


@pytest.fixture(scope="module")
def client(
    bundle: Path, replica: Replica, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, Api]]:
    routes = build_routes([(replica.name, replica.url, [1])], bundle)
    routes["versions"]["1"]["preprocessing"]["intensity"] = {"kind": "voi"}
    routes["versions"]["1"]["inputs"] = INPUTS
    api = Api("api-for-mr", BIND, tmp_path_factory.mktemp("api"))
    api.follow(routes)
    with api, httpx.Client(base_url=api.url, timeout=30) as client:
        api.wait_until_serving()
        yield client, api


def test_only_what_the_version_is_for_is_answered(client: tuple[httpx.Client, Api]) -> None:
    sender, api = client
    files = {
        "mr": dicom_file(SLICE, Modality="MR", BodyPartExamined="BRAIN"),
        "ct": dicom_file(SLICE, Modality="CT"),
        "knee": dicom_file(SLICE, Modality="MR", BodyPartExamined="KNEE"),
        "unstated": dicom_file(SLICE),
        "small": dicom_file(SLICE[:31], Modality="MR"),
    }
    answers = {name: sender.post("/predict", files={"image": ("a.dcm", file)}) for name, file in files.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(files, 422) | {"mr": 200}
    kinds = {answer.json()["type"] for name, answer in answers.items() if name != "mr"}
    assert kinds == {"urn:medinfer:problem:not-for-this-model"}
    assert "Modality (0008,0060)" in answers["ct"].json()["detail"]
    assert "Body Part Examined (0018,0015)" in answers["knee"].json()["detail"]
    told = "".join(answer.text for answer in answers.values()) + api.log_tail()
    assert not any(word in told for word in ("CT", "KNEE", PATIENT))
