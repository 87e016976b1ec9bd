"""The audit stream: what was answered to whom, by which version, in lines that are chained."""
