"""The project's images on one Debian machine, without Docker and without a registry: `python -m ci.cluster images`."""
