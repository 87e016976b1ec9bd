"""What can go wrong at the edge.

ClusterError
├── Conflict     somebody wrote in between: look again
├── Missing      the object is not there
└── Unavailable  the API server does not answer, or not now
NotLeader        another operator holds the Lease: nothing may be written
"""


class ClusterError(Exception):
    """The API server refused; the message says what was asked, and what to do."""


class Conflict(ClusterError):
    pass


class Missing(ClusterError):
    pass


class Unavailable(ClusterError):
    pass


class NotLeader(Exception):
    pass
