"""The routes document, and which version and replica a request goes to under it."""
