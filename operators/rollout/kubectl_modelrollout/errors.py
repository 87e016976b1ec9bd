"""What ends a command with exit status 2.

Problem
├── Conflict     the object was written since it was read
└── Unavailable  the API server does not answer, or not now
"""


class Problem(Exception):
    """The message is one line that says what is wrong, and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class Conflict(Problem):
    pass


class Unavailable(Problem):
    pass
