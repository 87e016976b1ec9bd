"""Progress, for who waits: standard output is for the images' names."""

import sys


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
