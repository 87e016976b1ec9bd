"""Why an artifact does not come."""


class StoreError(Exception):
    """The artifact could not be fetched; the message names the source without what may be secret."""


class Refused(StoreError):
    """This agent may not ask that address, whoever holds the artifact; asking again changes nothing."""
