"""kube-score: what it calls critical."""

import json
import subprocess
from collections import Counter

from ci.stack.control_plane import binary
from tests.harness.chart.helm import KUBERNETES


def critical(manifest: str) -> Counter[tuple[str, str]]:
    """(object and container, finding), and how often."""
    version = "v" + KUBERNETES.rpartition(".")[0]
    command = [str(binary("kube-score")), "score", "-", "--output-format=json", f"--kubernetes-version={version}"]
    done = subprocess.run(command, input=manifest, capture_output=True, text=True, check=False)
    return Counter(
        (f"{one['type_meta']['kind']}/{one['object_meta']['name']} {comment['path']}".strip(), comment["summary"])
        for one in json.loads(done.stdout)
        for check in one["checks"]
        if check["grade"] == 1 and not check["skipped"]
        for comment in check["comments"] or ()
    )
