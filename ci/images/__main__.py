"""`python -m ci.images [NAME ...]`: builds what is not there yet, gives it to the cluster, prints each image's name.

An image is known by the hash of what it is made of, so that the second time takes seconds.
"""

import argparse
import sys

from ci.cluster.errors import ClusterFailed
from ci.images.delivery import choose_delivery
from ci.images.provide import provide_all


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.images", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="default: all that the cluster lacks")
    names = parser.parse_args().names
    try:
        for name in provide_all(choose_delivery(), names).values():
            print(name, flush=True)
    except ClusterFailed as error:
        sys.exit(f"images: {error}")


if __name__ == "__main__":
    main()
