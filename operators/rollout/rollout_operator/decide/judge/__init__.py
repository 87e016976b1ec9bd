"""Is the canary good, and is what was promoted still good? Each judge returns the situation with its verdict noted."""
