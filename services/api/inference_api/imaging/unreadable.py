"""A file that is refused while it is decoded."""


class UnreadableImage(Exception):
    """Why this file is refused. The text follows the sentence that lists the formats: "this JPEG has ..."."""
