"""`python -m tests.harness.release.images`: builds what is installed by the whole cluster's tests on the local cluster.

This version's images, and those of the one before it. The tests build what is missing, but wait for it.
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
