"""Detached signatures of bundles, in the form of OpenSSF Model Signing 1.0: an in-toto statement in a DSSE envelope."""
