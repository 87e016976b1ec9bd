"""What the pictures of a report have in common."""

STABLE, CANARY, BAD, GOOD, GREY = "#4477aa", "#ee8833", "#cc3344", "#228833", "#666666"
WIDTH_INCHES = 9.0
