"""The CPU Triton answers every request of a batch that fails, and lives on.

One error object shared by the responses of a batch ended tritonserver with a segmentation fault after a few requests.
"""

import asyncio

import numpy as np
import pytest
import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException

from ci.stack.replica import Replica
from tests.harness.stack import Stack

pytestmark = pytest.mark.integration

ALWAYS_FAILS = 12
REQUESTS, AT_A_TIME = 400, 16


async def errors(replica: Replica) -> list[str]:
    """Triton's answer to each of many failing requests, some at a time, so that they share batches."""
    turn = asyncio.Semaphore(AT_A_TIME)
    question = triton.InferInput("input", [1, 3, 224, 224], "FP32")
    question.set_data_from_numpy(np.zeros((1, 3, 224, 224), np.float32))
    async with triton.InferenceServerClient(replica.url.removeprefix("http://"), conn_limit=AT_A_TIME) as client:

        async def ask() -> str:
            async with turn:
                with pytest.raises(InferenceServerException) as raised:
                    await client.infer("resnet_medical", [question], model_version=str(ALWAYS_FAILS))
                return str(raised.value)

        return await asyncio.gather(*(ask() for _ in range(REQUESTS)))


async def test_a_failing_batch_fails_its_requests_and_nothing_else(stack: Stack) -> None:
    stack.load_version(ALWAYS_FAILS)
    replica = stack.replicas[0]
    pid = replica.triton_pid()
    messages = await errors(replica)
    assert all("Gather" in message for message in messages)
    assert replica.triton_pid() == pid
