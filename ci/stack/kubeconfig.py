"""The file by which a client finds an API server, and who it is there."""

import json
from pathlib import Path


def write(path: Path, server: str, authority: Path, user: str, keys: tuple[Path, Path], namespace: str) -> None:
    """`keys`: certificate and private key of the user."""
    cluster = {"server": server, "certificate-authority": str(authority)}
    credentials = {"client-certificate": str(keys[0]), "client-key": str(keys[1])}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "medinfer", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": user, "context": {"cluster": "medinfer", "user": user, "namespace": namespace}}],
        "current-context": user,
    }
    path.write_text(json.dumps(document, indent=2))
