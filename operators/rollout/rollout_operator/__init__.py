"""Releases model versions: decides which version each replica holds and who gets traffic. Off the data path."""
