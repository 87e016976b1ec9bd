"""Reads the text files beside a model."""

import codecs
from pathlib import Path


def read(path: Path) -> bytes:
    """The file without the mark that editors on Windows put before UTF-8, which neither JSON nor Triton reads."""
    return path.read_bytes().removeprefix(codecs.BOM_UTF8)
