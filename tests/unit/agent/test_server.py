"""The agent's endpoints, before its loop runs and while it does."""

from pathlib import Path

import httpx
import pytest
from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.bundles import Bundles
from replica_agent.metrics import Metrics
from replica_agent.plan import Role
from replica_agent.plan_source import Followed
from replica_agent.report import VersionReport
from replica_agent.server import build_app
from replica_agent.snapshot import Snapshot
from replica_agent.state import State
from replica_agent.verification.signature_files import SignatureFiles

DIGEST = f"sha256:{1:064x}"
WARM = VersionReport(1, DIGEST, Role.STABLE, State.WARM)
LOADING = VersionReport(2, DIGEST, Role.CANARY, State.LOADING)
RUNNING = Snapshot(Followed(), (WARM, LOADING), ready=True, triton_ready=True)


@pytest.mark.parametrize(
    ("now", "path", "status"),
    [
        pytest.param(None, "/health", 200, id="alive-before-the-loop"),
        pytest.param(None, "/state", 503, id="no-report-before-the-loop"),
        pytest.param(None, "/ready", 503, id="not-ready-before-the-loop"),
        pytest.param(None, "/versions/1", 503, id="no-word-on-a-version-before-the-loop"),
        pytest.param(None, f"/bundles/{DIGEST}", 404, id="bundles-at-once"),
        pytest.param(None, f"/bundles/{DIGEST}/signature", 200, id="signatures-at-once"),
        pytest.param(None, f"/bundles/{DIGEST[:-1]}2/signature", 404, id="no-such-signature"),
        pytest.param(None, "/bundles/..%2fx/signature", 404, id="no-digest"),
        pytest.param(RUNNING, "/health", 200, id="alive"),
        pytest.param(RUNNING, "/state", 200, id="a-report"),
        pytest.param(RUNNING, "/ready", 200, id="ready"),
        pytest.param(RUNNING, "/versions/1", 200, id="warm"),
        pytest.param(RUNNING, "/versions/2", 404, id="not-warm"),
    ],
)
async def test_what_is_answered_when(tmp_path: Path, now: Snapshot | None, path: str, status: int) -> None:
    signatures = SignatureFiles(tmp_path / "signatures")
    signatures.write(DIGEST, b"{}")
    app = build_app(
        "triton-0",
        "start",
        lambda: now,
        Bundles(tmp_path / "bundles"),
        signatures,
        AcceptanceSets(tmp_path / "sets"),
        Metrics(),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://agent") as client:
        assert (await client.get(path)).status_code == status
