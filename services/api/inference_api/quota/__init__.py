"""How much a client may have: images per minute, and images in flight."""
