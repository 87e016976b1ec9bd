"""Traces of requests: what each did, when, and which part of it Triton knows; off unless an endpoint is set."""
