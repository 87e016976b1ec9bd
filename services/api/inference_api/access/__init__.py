"""Who may ask: the access document, keys, and the check of each request before its body is read."""
