"""The worker processes of one pod: how they start, report and end."""
