"""Demonstration models, faults and images. Not for clinical use, and not in the agent's image."""
