"""Keys and tokens on a whole cluster: a Secret is mounted and followed, and a release is judged by named clients."""

import json
import subprocess
import sys
from pathlib import Path

from ci.stack.http import client
from ci.stack.waiting import wait_until
from tests.harness.release.release import Release, run

GOOD = 2
ACCESS, TEST_KEY, AUDIENCE = "medinfer-access", "medinfer-test-key", "medinfer"


class Access:
    """The access document, and its Secret."""

    def __init__(self, release: Release, path: Path) -> None:
        self.release, self.path = release, path

    def mint(self, client: str, *options: str) -> str:
        command = [sys.executable, "-m", "modelctl", "keys", "mint", str(self.path), client, *options]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def revoke(self, client: str) -> None:
        command = [sys.executable, "-m", "modelctl", "keys", "revoke", str(self.path), client, "--all"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def accept_service_account(self, client: str, account: str) -> None:
        """Whose tokens the cluster's own API server signs."""
        issuer = json.loads(run("kubectl", "get", "--raw", "/.well-known/openid-configuration"))["issuer"]
        document = json.loads(self.path.read_text())
        document["issuers"] = [{"issuer": issuer, "audience": AUDIENCE, "cluster": True}]
        subject = f"system:serviceaccount:{self.release.namespace}:{account}"
        tokens = [{"issuer": issuer, "claims": {"sub": subject}}]
        document["clients"][client] = {"scopes": ["predict"], "tokens": tokens}
        self.path.write_text(json.dumps(document))

    def apply(self) -> None:
        """As docs/install.md says."""
        self.write_secret(ACCESS, f"--from-file=access.json={self.path}")

    def write_secret(self, name: str, source: str) -> None:
        manifest = self.release.kubectl("create", "secret", "generic", name, source, "--dry-run=client", "-o", "yaml")
        run("kubectl", "--namespace", self.release.namespace, "apply", "-f", "-", text=manifest)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_clients_with_keys_and_tokens(release: Release, images: list[bytes], tmp_path: Path) -> None:
    access = Access(release, tmp_path / "access.json")
    run("kubectl", "create", "namespace", release.namespace)
    release.headers = bearer(access.mint("pacs"))
    access.write_secret(TEST_KEY, f"--from-literal=key={access.mint('helm-test', '--no-evidence')}")
    access.accept_service_account("ris", "worker")
    access.apply()
    release.kubectl("create", "serviceaccount", "worker")
    token = release.kubectl("create", "token", "worker", f"--audience={AUDIENCE}").strip()

    release.install(settings={"api.auth.secretName": ACCESS, "tests.keySecretName": TEST_KEY})
    release.wait_for_phase("Healthy", 1)
    release.wait_until_answering(images[0])
    assert "Succeeded" in release.helm_test()
    assert status(release, images[0], {}) == 401
    # A pod reads the API server's signing keys after it has started; until then it answers 503 to each token.
    wait_until(lambda: status(release, images[0], bearer(token)) == 200, "the token is known", 60)

    with release.load(images, tmp_path, 1, GOOD) as load:
        load.wait_until_answered(100)
        release.upgrade(GOOD)
        late = access.mint("late")
        access.apply()
        release.wait_for_phase("Healthy", GOOD)
        wait_until(lambda: status(release, images[0], bearer(late)) == 200, "the new key is known", 180)
        access.revoke("late")
        access.apply()
        wait_until(lambda: status(release, images[0], bearer(late)) == 401, "the key is revoked", 180)
        result = load.finish()
    assert result.failed == 0, result
    assert result.by_version().keys() == {1, GOOD}


def status(release: Release, image: bytes, headers: dict[str, str]) -> int:
    answer = client.post(f"{release.url}/predict", files={"image": image}, headers=headers, timeout=30)
    return answer.status_code
