"""Who signed the bundles that this replica holds, and whether an unsigned one may be loaded."""
