"""GDCM, in one process of Debian's Python for many files: stored words, or the colours that it decodes.

Run by itself, under /usr/bin/python3 with python3-gdcm: python3 -I gdcm_words.py FOLDER writes beside each FOLDER/N.dcm
what GDCM decodes of it, N.gdcm, with the first frame first. A file that it does not read has none: on some it aborts,
so that each has a process.
"""

import os
import resource
import sys
from pathlib import Path


def main(folder: Path) -> None:
    import gdcm  # type: ignore[import-not-found]  # of another Python

    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path in sorted(folder.glob("*.dcm")):
        child = os.fork()
        if not child:
            decode(gdcm, path)
            os._exit(0)
        os.waitpid(child, 0)


def decode(gdcm: object, path: Path) -> None:
    reader = gdcm.ImageReader()  # type: ignore[attr-defined]  # its wrappers have no types
    reader.SetFileName(str(path))
    if reader.Read():
        image = reader.GetImage()
        head = f"{image.GetPlanarConfiguration()} {image.GetPhotometricInterpretation()}\n".encode()
        path.with_suffix(".gdcm").write_bytes(head + image.GetBuffer().encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
