"""Brings bundles into a registry: `modelctl push` and `modelctl resolve`."""
