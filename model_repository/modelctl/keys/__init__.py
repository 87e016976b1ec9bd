"""The access document of the API: which client may ask, by which keys. `modelctl keys` edits it."""
