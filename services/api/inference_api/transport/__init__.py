"""Asks Triton and the agents over HTTP."""
