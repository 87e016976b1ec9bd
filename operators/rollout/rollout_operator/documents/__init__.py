"""Values that cross the operator's border as JSON. Pure."""
