"""BentoML in an environment of its own: pyproject.toml and uv.lock are for it alone."""
