"""The error that ends a command of ci."""


class CommandFailed(Exception):
    """The message is for a person: what is missing, or what did not start, with the end of its log."""
