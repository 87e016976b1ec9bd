"""How a bundle lies in a registry: as the only layer of an artifact. Pure: agents fetch, `modelctl push` brings."""
