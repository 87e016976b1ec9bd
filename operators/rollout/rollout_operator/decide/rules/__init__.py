"""The rules, one topic a file. Each returns what to do once the status is remembered and judged; None: not its case."""
