"""What can go wrong at the edge.

ClusterError
├── Conflict     somebody wrote meanwhile: reconcile again
├── Missing      the object does not exist
└── Unavailable  the API server does not answer, or asks to come back later
NotLeader        another operator holds the Lease: nothing may be written
"""


class ClusterError(Exception):
    """The API server refused. The message says what was asked for, and what to do."""


class Conflict(ClusterError):
    pass


class Missing(ClusterError):
    pass


class Unavailable(ClusterError):
    pass


class NotLeader(Exception):
    pass
