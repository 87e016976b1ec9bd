"""How many file descriptors this process may hold, and how many clients that leaves room for."""

import resource

# Log, listeners, routes, shared memory, and what libraries open.
_OWN = 64


def raise_limit() -> int:
    """Raises the soft limit to the hard one, and returns it. containerd and Docker start with a soft limit of 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def max_connections(wanted: int, descriptors: int, max_in_flight: int) -> int:
    """`wanted`, or less where so many descriptors do not suffice for two listeners and the connections to replicas.

    >>> max_connections(1000, 1_048_576, 128)
    1000
    >>> max_connections(1000, 1024, 128)
    416
    >>> max_connections(1000, 160, 128)
    40
    """
    left = descriptors - _OWN - max_in_flight
    return min(wanted, max(left // 2, descriptors // 4))
