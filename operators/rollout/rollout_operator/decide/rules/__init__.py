"""The rules, one topic a file: each says what to do in a settled situation, or None when it does not apply."""
