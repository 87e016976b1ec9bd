"""A real Kubernetes on one Debian machine, without Docker: `python -m ci.cluster start|install|images|down`."""
