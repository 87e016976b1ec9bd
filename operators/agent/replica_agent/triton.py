"""Talks to Triton: gRPC on one connection, and the metrics page for GPU memory."""

import asyncio
import contextlib
import time
import urllib.request
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import grpc
import numpy as np
from modelctl.bundle.contract import Contract
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families
from tritonclient.grpc import service_pb2, service_pb2_grpc

from replica_agent.config import server_id_of
from replica_agent.ports import GRPC_PORT, HTTP_PORT, METRICS_PORT
from replica_agent.server_id import unique_server_id
from replica_agent.state import IndexState
from replica_agent.vitals import ASK_SECONDS, Vitals, ask_live

_INDEX_TIMEOUT_SECONDS = 5.0
CONTROL_HEADER = (
    "triton-grpc-protocol-medinfer-agent-key"  # Triton's prefix, and the name after the colon of its option
)
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 64 << 20),
)


class TritonError(Exception):
    """Base of TritonGone (no connection), TritonTimeout (no answer yet) and TritonRefused (an error as the answer)."""


class TritonGone(TritonError):
    """Nobody listens, or the connection broke during a call."""


class TritonTimeout(TritonError):
    """No answer in time; only the index says whether the call was carried out."""


class TritonRefused(TritonError):
    """Triton answered with an error; the message is its own."""


class Triton:
    """One Triton at `address`. Must be made inside the running loop.

    `key`: for a Triton whose gRPC control is restricted; empty where it listens on the loopback of a pod alone.

    `connection` counts connections. A new one may be to a restarted Triton, so proofs outlive a connection only where
    Triton has the server id of the process that was proved. `refused`: it was tried, and there was none.
    """

    def __init__(self, address: str, key: str = "") -> None:
        self._address = address
        self._metadata = ((CONTROL_HEADER, key),) if key else None
        self._channel = grpc.aio.insecure_channel(f"{address}:{GRPC_PORT}", options=_OPTIONS)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self.connection = 0
        self._is_open = self.refused = False
        self.vitals = Vitals()

    @property
    def connected(self) -> bool:
        """It can be asked, and takes requests."""
        return self._is_open and not self.vitals.is_closed

    async def watch(self, changed: Callable[[], None]) -> None:
        """Opens the connection whenever it is lost, and calls `changed` after each change; runs until cancelled."""
        while True:
            state = self._channel.get_state(try_to_connect=True)
            was, self._is_open = self._is_open, state is grpc.ChannelConnectivity.READY
            self.connection += self._is_open and not was
            self.refused = self.refused or state is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            changed()
            await self._channel.wait_for_state_change(state)

    async def watch_vitals(self, changed: Callable[[], None]) -> None:
        """Asks for its health all the time, and calls `changed` when it begins or ceases to take requests."""
        while True:
            is_live = await ask_live(self._address, HTTP_PORT) if self._is_open else None
            was = self.vitals.is_closed
            self.vitals.note(self.connection if self._is_open else None, is_live, time.monotonic())
            if was != self.vitals.is_closed:
                changed()
            await asyncio.sleep(ASK_SECONDS)

    async def close(self) -> None:
        """Ends the connection."""
        await self._channel.close()

    async def index(self, model: str) -> Mapping[int, IndexState]:
        """Version -> state, for each version that Triton ever tried to load. Raises TritonGone, TritonTimeout."""
        request = service_pb2.RepositoryIndexRequest()
        answer = await self._call(
            self._stub.RepositoryIndex(request, timeout=_INDEX_TIMEOUT_SECONDS, metadata=self._metadata)
        )
        rows = (row for row in answer.models if row.name == model and row.version)
        return MappingProxyType({int(row.version): IndexState(row.state or "UNAVAILABLE") for row in rows})

    async def load(self, model: str, override: str, timeout_seconds: float) -> None:
        """Asks for `model` with the config `override`. A return proves nothing: read the index.

        Raises TritonGone, TritonTimeout, TritonRefused.
        """
        request = service_pb2.RepositoryModelLoadRequest(model_name=model)
        request.parameters["config"].string_param = override
        await self._call(self._stub.RepositoryModelLoad(request, timeout=timeout_seconds, metadata=self._metadata))

    async def server_id(self) -> str:
        """Of this process of Triton; empty: it has none of its own. Raises TritonGone, TritonTimeout, TritonRefused."""
        request = service_pb2.ServerMetadataRequest()
        answer = await self._call(
            self._stub.ServerMetadata(request, timeout=_INDEX_TIMEOUT_SECONDS, metadata=self._metadata)
        )
        return unique_server_id(answer.name)

    async def loaded_for(self, model: str, version: int) -> str:
        """The server id of the process for which the agent loaded this version; empty: somebody else loaded it.

        Raises TritonGone, TritonTimeout, TritonRefused.
        """
        request = service_pb2.ModelConfigRequest(name=model, version=str(version))
        answer = await self._call(
            self._stub.ModelConfig(request, timeout=_INDEX_TIMEOUT_SECONDS, metadata=self._metadata)
        )
        return server_id_of(answer.config)

    async def infer(
        self, model: str, version: int, contract: Contract, batch: NDArray[np.float32], timeout_seconds: float
    ) -> NDArray[np.float32]:
        """The output FP32 [N, labels] for `batch` FP32 [N, C, H, W], the tensors named as `contract` says.

        Raises TritonGone, TritonTimeout, TritonRefused.
        """
        request = service_pb2.ModelInferRequest(model_name=model, model_version=str(version))
        tensor = request.inputs.add(name=contract.input.name, datatype="FP32")
        tensor.shape.extend(batch.shape)
        request.raw_input_contents.append(np.ascontiguousarray(batch).tobytes())
        answer = await self._call(self._stub.ModelInfer(request, timeout=timeout_seconds))
        for output, content in zip(answer.outputs, answer.raw_output_contents, strict=False):
            if output.name == contract.output.name and output.datatype == "FP32":
                return _to_array(content, tuple(output.shape))
        raise TritonRefused(f"the answer holds no FP32 tensor named {contract.output.name}")

    async def free_gpu_bytes(self) -> int | None:
        """Free bytes of the fullest GPU that Triton sees; None without a GPU, or when the page cannot be read."""
        return await asyncio.to_thread(_read_free_gpu_bytes, f"http://{self._address}:{METRICS_PORT}/metrics")

    async def _call(self, call: grpc.aio.UnaryUnaryCall) -> Any:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            message = " ".join((error.details() or error.code().name).split())[:500]
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise TritonTimeout(message) from None
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                raise TritonGone(message) from None
            raise TritonRefused(message) from None


def _to_array(content: bytes, shape: tuple[int, ...]) -> NDArray[np.float32]:
    try:
        return np.frombuffer(content, np.float32).reshape(shape)
    except ValueError:
        raise TritonRefused(f"output has {len(content)} bytes, which are not FP32 {list(shape)}") from None


def _read_free_gpu_bytes(url: str) -> int | None:
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(url, timeout=5) as response:
        return parse_free_gpu_bytes(response.read().decode())
    return None


def parse_free_gpu_bytes(text: str) -> int | None:
    """The least of (total - used) over all GPUs in Triton's metrics; None when they name no GPU."""
    samples = {
        (sample.name, sample.labels.get("gpu_uuid")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    free = [
        total - samples.get(("nv_gpu_memory_used_bytes", gpu), 0.0)
        for (name, gpu), total in samples.items()
        if name == "nv_gpu_memory_total_bytes"
    ]
    return int(min(free)) if free else None
