"""`python -m tests.harness.release.images`: builds the images that the whole cluster's tests install.

Those of this version, and of the one before it. Does nothing if KUBECONFIG or CLUSTER names another cluster.
"""

from ci.cluster.delivery import is_local
from ci.images.catalog import OURS
from ci.images.provide import built_alone
from tests.harness.release import previous


def main() -> None:
    for image in (*OURS, *previous.images()) if is_local() else ():
        built_alone(image)


if __name__ == "__main__":
    main()
