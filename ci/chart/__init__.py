"""Generates from the CRD and values.yaml: the schema of `rollout`, the table of values, the reference of the CRD."""
