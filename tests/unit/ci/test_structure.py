"""The sizes that CONTRIBUTING.md names: files in a folder, lines in a file, lines in a function."""

import ast
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ci.stack.folders import ROOT

MAX_FILES = 25
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# Its modules form no groups whose imports go one way only.
FLAT = {"operators/agent/replica_agent"}


def python_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in listed.stdout.split() if (ROOT / name).exists()]


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function in a file."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_folders_are_small() -> None:
    counts = Counter(str(path.parent) for path in python_files())
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES and folder not in FLAT} == {}


def test_files_are_short() -> None:
    lines = {str(path): (ROOT / path).read_text().count("\n") for path in python_files()}
    assert {path: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    found = {f"{path}: {name}": lines for path in python_files() for name, lines in functions(path)}
    assert {name: lines for name, lines in found.items() if lines > MAX_FUNCTION_LINES} == {}
