"""All I/O of the operator: the API server, Kopf's watches, the pods it asks."""
