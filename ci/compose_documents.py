"""Plan and routes for compose.yaml, which has no operator: version 1 of the demonstration bundles on one replica.

Runs in a container of the operator's image, where of this folder only the standard library's part works.
"""

import os
import shutil
import tempfile
import urllib.request
from pathlib import Path

from ci.stack import documents

STORE = "http://bundles:8080/resnet50"
NAME = "resnet_medical-1.tar"
REPLICA, TRITON = "triton", "http://triton:8000"


def main() -> None:
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


if __name__ == "__main__":
    main()
