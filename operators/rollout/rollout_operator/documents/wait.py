"""Why something does not go on yet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """`reason` for the condition; `message` names what is waited for. `intended`: a person asked for this wait."""

    reason: str
    message: str
    intended: bool = False
