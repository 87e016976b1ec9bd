"""Before anything is decided: what the status says is compared with what is seen, and verdicts are noted.

Each is a function from Situation to Situation that changes nothing when it has nothing to say.
"""
