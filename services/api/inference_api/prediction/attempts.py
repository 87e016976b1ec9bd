"""How often and how long one request is tried. Texts that name these numbers derive from here."""

# Different replicas on which stable may fail before the client gets a 502.
STABLE_ATTEMPTS = 2

# How long a request waits for a replica when none can be reached, and how often it looks for one meanwhile.
REPLICA_WAIT_SECONDS = 2.0
REPLICA_POLL_SECONDS = 0.1
