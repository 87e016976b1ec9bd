"""What a person is told."""


class ClusterFailed(Exception):
    """One line: what is missing, or what did not start and the end of its log."""
