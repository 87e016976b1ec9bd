"""Where the local cluster is: its files, its addresses, its name.

`down` removes STATE; what is slow to make again (images, the container store) stays.
Addresses exist only in the network namespace NAME, so that clusters of several checkouts never meet.
"""

import hashlib

from ci.stack.folders import CLUSTER, ROOT

STATE = CLUSTER / "state"
LOGS = CLUSTER / "log"
CONTAINERS = CLUSTER / "containerd"

NAME = f"medinfer-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]}"
# Paths of sockets may have 107 characters: too few for a folder deep in a home.
SOCKETS = f"/run/{NAME}"
NETWORK_NAMESPACE = f"/run/netns/{NAME}"

NODE_NETWORK = "10.99.0"
POD_NETWORK = "10.244.0.0/16"
POD_RANGE = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API_SERVER = "https://127.0.0.1:6443"

KUBECONFIG = STATE / "admin.kubeconfig"
