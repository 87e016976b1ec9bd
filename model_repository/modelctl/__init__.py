"""Making a model version: export, golden outputs, pack, digest, verify."""
