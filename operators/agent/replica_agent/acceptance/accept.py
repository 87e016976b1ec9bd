"""Asks a loaded version about each image of an acceptance set."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from modelctl.bundle import acceptance
from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.manifest import Preprocessing
from numpy.typing import NDArray

from replica_agent.acceptance.judge import Tally, answers, check_fit, conclude
from replica_agent.state import Accepted, Reason, VersionFailed

# As in a warm-up: three quarters of the time are left for requests.
REST_PER_IMAGE = 3.0

Infer = Callable[[NDArray[np.float32]], Awaitable[NDArray[np.float32]]]


@dataclass(frozen=True)
class Model:
    """What the version's bundle says of its input and its output."""

    contract: Contract
    preprocessing: Preprocessing


async def accept(
    content: bytes,
    digest: str,
    model: Model,
    infer: Infer,
    clock: Callable[[], float],
    rest: Callable[[float], Awaitable[None]],
) -> Accepted:
    """`content`: of the set. `infer` maps FP32 [1, C, H, W] to FP32 [1, labels]; `clock` returns seconds.

    Raises VersionFailed (AcceptanceFailed, AcceptanceInvalid) and what `infer` raises.
    """
    # Only where there is a set: Pillow takes 20 MB.
    from modelctl.bundle import images

    try:
        found = await asyncio.to_thread(acceptance.loads, content)
    except InvalidBundle as error:
        raise VersionFailed(Reason.ACCEPTANCE_INVALID, f"acceptance set: {error}") from None
    output, tally = model.contract.output, Tally()
    check_fit(found, output)
    for number, case in enumerate(found.cases, 1):
        tensor = await asyncio.to_thread(images.tensor, case.image, model.preprocessing, model.contract.input.shape)
        started = clock()
        values = await infer(tensor[None])
        await rest(REST_PER_IMAGE * (clock() - started))
        tally.add(number, answers(case, found, output, values[0] if len(values) == 1 else np.zeros(0, np.float32)))
    return Accepted(digest, *conclude(found, digest, tally))
