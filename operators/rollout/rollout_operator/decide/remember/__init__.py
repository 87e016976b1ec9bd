"""What the status says is compared with what is seen, and kept: which version is where, and what would be lost.

Each is a function from Situation to Situation that changes nothing when there is nothing to keep.
"""
