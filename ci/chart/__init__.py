"""What is generated for the chart: the schema of `rollout`, from the CRD, and the table of values in its README."""
