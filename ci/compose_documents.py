"""Plan and routes for compose.yaml, which has no operator: version 1 of the demonstration bundles on one replica.

And the key of Triton's control, for agent and Triton alone.

Runs in a container of the operator's image, where of this folder only the standard library's part works.
"""

import os
import secrets
import shutil
import tempfile
import urllib.request
from pathlib import Path

from ci.stack import documents

STORE = "http://bundles:8080/resnet50"
NAME = "resnet_medical-1.tar"
REPLICA, TRITON = "triton", "http://triton:8000"


def main() -> None:
    write_key(Path(os.environ["MEDINFER_AGENT_RESTRICTED_KEY_FILE"]))
    folder = Path(os.environ["MEDINFER_AGENT_DATA_DIR"])
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(scratch) / NAME
        with urllib.request.urlopen(f"{STORE}/{NAME}", timeout=30) as answer, bundle.open("wb") as file:
            shutil.copyfileobj(answer, file)
        plan = documents.build_plan(bundle, warmup=documents.FULL)
        plan["stable"]["uri"] = f"{STORE}/{NAME}"
        routes = documents.build_routes([(REPLICA, TRITON, [1])], bundle)
    documents.write(plan, folder / "plan.json")
    documents.write(routes, folder / "routes.json")


def write_key(file: Path) -> None:
    """Once: an agent and a Triton that run already have what is there."""
    if not file.exists():
        part = file.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(secrets.token_hex(32) + "\n")
        part.rename(file)


if __name__ == "__main__":
    main()
