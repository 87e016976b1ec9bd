"""Pure code: from a spec, a status and an observation to what is published next."""
