"""`python -m ci.images`: a list of what is in each image, .sbom/NAME.cdx.json; builds those that were never built."""

import sys

from ci.images import buildah, sbom
from ci.images.catalog import OURS
from ci.images.provide import FILES, in_store
from ci.stack.errors import CommandFailed
from ci.stack.folders import ROOT
from ci.stack.lock import alone
from ci.stack.say import say

FOLDER = ROOT / ".sbom"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with alone(FILES / ".lock", lambda: say("waiting for another build")):
        for image in OURS:
            target = FOLDER / f"{image.name}.cdx.json"
            count = sbom.write(image, in_store(image, image.key(buildah.BASE)), target)
            say(f"{target.relative_to(ROOT)}: {count} packages")


if __name__ == "__main__":
    try:
        main()
    except CommandFailed as failed:
        sys.exit(f"ci.images: {failed}")
