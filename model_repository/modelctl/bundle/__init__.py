"""The bundle format: what the agent needs to verify and unpack a version. numpy is its only dependency."""
