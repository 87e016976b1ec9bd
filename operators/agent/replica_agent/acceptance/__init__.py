"""The acceptance set of a hospital: fetching it, keeping it, and judging a version by it."""
