"""Makes one Triton replica hold, prove and report what the plan says."""
