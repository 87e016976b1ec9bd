"""One request: its body is read, decoded, sent to a version and answered."""
