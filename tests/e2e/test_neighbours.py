"""A pod of another namespace asks a replica: it may infer, and may neither load, unload nor read the repository."""

import json

from tests.harness.release.release import Release, run

MODEL = "/v2/repository/models/resnet_medical"
CLOSED = {
    "/v2/repository/index": "POST",
    f"{MODEL}/load": "POST",
    f"{MODEL}/unload": "POST",
    "/v2/models/resnet_medical/config": "GET",
}
OPEN = {"/v2/health/live": "GET", "/v2/models/resnet_medical/versions/1/ready": "GET"}
# In a pod with Python and nothing else: address, then {path: method}; prints {path: status}, and gRPC's fate.
ASK = """
import http.client, json, socket, sys
address, requests = sys.argv[1], json.loads(sys.argv[2])
answers = {}
for path, method in requests.items():
    connection = http.client.HTTPConnection(address, 8000, timeout=10)
    connection.request(method, path, "{}" if method == "POST" else None, {"medinfer-agent-key": "guess"})
    answers[path] = connection.getresponse().status
try:
    socket.create_connection((address, 8001), timeout=10).close()
    answers["grpc"] = "open"
except ConnectionRefusedError:
    answers["grpc"] = "refused"
print(json.dumps(answers))
"""


def test_a_neighbour_controls_no_replica(release: Release, images: list[bytes]) -> None:
    release.install()
    release.wait_for_phase("Healthy", 1)
    for pod in release.pods("triton"):
        answers = ask_from_a_neighbour(pod["status"]["podIP"])
        assert answers == dict.fromkeys(CLOSED, 403) | dict.fromkeys(OPEN, 200) | {"grpc": "refused"}
    release.wait_until_answering(images[0])


def ask_from_a_neighbour(address: str) -> dict[str, int | str]:
    asking = ("python3", "-c", ASK, address, json.dumps(CLOSED | OPEN))
    said = run("kubectl", "--namespace", "bundles", "exec", "deployment/bundles", "--", *asking)
    answers: dict[str, int | str] = json.loads(said)
    return answers
