"""The operator's hand on one Triton replica."""
