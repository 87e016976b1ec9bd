"""Is this commit slower than its base? Both are measured in one sitting: python -m ci.bench.gate."""
