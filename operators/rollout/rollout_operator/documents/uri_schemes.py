"""The addresses that a bundle may have: the operator's one table. Agents fetch; the operator only refuses others."""

# As an address begins: `file:` with an absolute path, the others with a host or a bucket.
URI_SCHEMES = ("file:/", "http://", "https://", "s3://")
URI_PATTERN = f"^({'|'.join(URI_SCHEMES)})."
URI_PROBLEM = "write a file:, http(s): or s3: address"
