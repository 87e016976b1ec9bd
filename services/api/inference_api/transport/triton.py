"""The only module that talks to Triton: v2 inference over HTTP with binary tensors, always to a named version.

InferFailure
  ReplicaUnreachable   no connection; nothing was sent
    VersionUnproved    the version is not proved there; nothing was sent
  ConnectionBroke      the connection ended after the request was sent
  VersionFailed        the version answered, but not with an output of the expected shape
    VersionTimeout     it did not answer in its attempt's time
"""

import asyncio
import json
import struct
from collections.abc import Iterable
from functools import lru_cache, partial

from inference_api.imaging.tensors import Shape
from inference_api.routing.document import Replica, Version
from inference_api.transport.connections import Broken, Connection, ExchangeTimeout, Pool, Reply, Unreachable
from inference_api.transport.proof_cache import ProofCache
from inference_api.transport.request_buffers import RequestBuffer, image_bytes
from inference_api.transport.resolver import Resolver

MAX_BATCH_SIZE = 16
_PROBE_SECONDS = 1.0

Logits = tuple[float, ...]


class InferFailure(Exception):
    """An attempt gave no logits."""


class ReplicaUnreachable(InferFailure):
    """There was no connection to the replica, so nothing was sent."""


class VersionUnproved(ReplicaUnreachable):
    """This version is not proved in that process of Triton, so nothing was sent."""


class ConnectionBroke(InferFailure):
    """The connection ended after the request was sent. The request may have killed Triton."""


class VersionFailed(InferFailure):
    """The version answered on this replica, but not with logits of the expected shape."""


class VersionTimeout(VersionFailed):
    """The version did not answer on this replica in time."""


class Triton:
    """The connections to all replicas. Made and used inside one event loop."""

    def __init__(self, names: Resolver, proof_cache: ProofCache) -> None:
        self._names = names
        self._proof_cache = proof_cache
        self._pools: dict[tuple[str, int], Pool] = {}

    async def infer(
        self,
        replica: Replica,
        model: str,
        version: Version,
        request: RequestBuffer,
        until: float,
        *,
        repeat: bool = True,
        traceparent: bytes = b"",
    ) -> list[Logits]:
        """The output of each image; `until` is the loop's time at which the attempt ends. Raises InferFailure.

        `repeat`: whether a kept-alive connection that turned out closed is tried once more on a fresh one.
        `traceparent`: the W3C header's value; empty: Triton writes no spans.
        """
        names, number = version.contract, version.number
        tensors = (request.batch_size, request.shape, names.input_name, names.output_name)
        head = _head(replica.host, replica.port, model, number, *tensors)
        if traceparent:
            head = with_traceparent(head, traceparent)
        pool = self._pool(replica)

        async def check(connection: Connection) -> None:
            read_server_id = partial(_read_server_id, connection, replica, until)
            if not await self._proof_cache.allows(replica, number, pool.epoch, read_server_id):
                raise VersionUnproved(f"version {number} is not proved on {replica.name}")

        try:
            reply = await pool.exchange(request.with_head(head), until, repeat=repeat, check=check)
        except Unreachable as error:
            raise ReplicaUnreachable(str(error)) from None
        except Broken as error:
            raise ConnectionBroke(f"{replica.name}: {error}") from None
        except ExchangeTimeout:
            raise VersionTimeout(f"version {number} on {replica.name}: no answer in time") from None
        try:
            return parse_logits(reply, request.batch_size, names.output_name, len(version.labels))
        except VersionFailed as error:
            raise VersionFailed(f"version {number} on {replica.name}: {error}") from None

    async def is_ready(self, replica: Replica, model: str, version: int) -> bool:
        """Whether the replica says that it can answer for this version; False when it does not answer."""
        request = _get(replica, f"/v2/models/{model}/versions/{version}/ready")
        try:
            reply = await self._pool(replica).exchange(request, _probe_ends())
        except (Unreachable, Broken, ExchangeTimeout):
            return False
        return reply.status == 200

    async def any_ready(self, replicas: Iterable[Replica], model: str, version: int) -> bool:
        """Whether some replica says that it is ready; where the routes do not name the version, with a proof."""
        return any(await asyncio.gather(*(self._may_answer(replica, model, version) for replica in replicas)))

    def close_idle(self, replica: Replica) -> None:
        """Closes the connections to this replica that are not in use."""
        if pool := self._pools.get((replica.host, replica.port)):
            pool.close()

    def keep_only(self, replicas: tuple[Replica, ...]) -> None:
        """Closes the connections to all other replicas, and forgets the proofs of versions that these do not hold."""
        wanted = {(replica.host, replica.port) for replica in replicas}
        for address in self._pools.keys() - wanted:
            self._pools.pop(address).close()
            self._names.forget(address[0])
        self._proof_cache.keep_only(replicas)

    async def _may_answer(self, replica: Replica, model: str, version: int) -> bool:
        if not await self.is_ready(replica, model, version):
            return False
        return version in replica.versions or await self._proof_cache.allows(
            replica, version, self._pool(replica).epoch
        )

    def _pool(self, replica: Replica) -> Pool:
        address = (replica.host, replica.port)
        pool = self._pools.get(address)
        if pool is None:
            pool = self._pools[address] = Pool(*address, self._names)
        return pool


async def _read_server_id(connection: Connection, replica: Replica, until: float) -> str | None:
    """Of the process at the other end of this very connection; None when it does not answer."""
    try:
        reply = await connection.exchange(_get(replica, "/v2"), min(until, _probe_ends()))
        return str(json.loads(reply.body)["name"])
    except (Broken, ExchangeTimeout, ValueError, KeyError, TypeError):
        return None


def _get(replica: Replica, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {_host(replica.host, replica.port)}\r\n\r\n".encode()


def _probe_ends() -> float:
    return asyncio.get_running_loop().time() + _PROBE_SECONDS


def parse_logits(reply: Reply, batch_size: int, output: str, count: int) -> list[Logits]:
    """Reads Triton's answer: a JSON header, then FP32 [batch_size, count] named `output`. Raises VersionFailed.

    tritonclient's InferResult does the same but takes eight times as long: it defines two classes per answer.
    """
    if reply.status != 200:
        raise VersionFailed(f"Triton answered {reply.status}: {reply.body[:200].decode(errors='replace')}")
    try:
        header_bytes = int(reply.headers[b"inference-header-content-length"])
        described = _output(reply.body[:header_bytes])
    except (KeyError, TypeError, ValueError):
        raise VersionFailed("Triton's answer has no header that can be read") from None
    tensor = reply.body[header_bytes:]
    if described != (output, "FP32", [batch_size, count]) or len(tensor) != batch_size * count * 4:
        raise VersionFailed(f"the output must be {output} FP32 {[batch_size, count]}, is {described}")
    return list(struct.iter_unpack(f"<{count}f", tensor))


@lru_cache(maxsize=256)
def _output(header: bytes) -> tuple[object, object, object]:
    """Name, type and shape of the only output. Triton writes the same header for every answer of a version."""
    (output,) = json.loads(header)["outputs"]
    return output["name"], output["datatype"], output["shape"]


@lru_cache(maxsize=1024)
def _head(
    host: str, port: int, model: str, version: int, batch_size: int, shape: Shape, taken: str, given: str
) -> bytes:
    """HTTP head and JSON header of an inference request."""
    described = request_header(batch_size, shape, taken, given)
    lines = (
        f"POST /v2/models/{model}/versions/{version}/infer HTTP/1.1",
        f"Host: {_host(host, port)}",
        "Content-Type: application/octet-stream",
        f"Inference-Header-Content-Length: {len(described)}",
        f"Content-Length: {len(described) + batch_size * image_bytes(shape)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + described


def with_traceparent(head: bytes, traceparent: bytes) -> bytes:
    """The head with one more header. Triton writes spans for it whatever its sampled flag says."""
    return head.replace(b"\r\n", b"\r\ntraceparent: " + traceparent + b"\r\n", 1)


def request_header(batch_size: int, shape: Shape, taken: str, given: str) -> bytes:
    """The JSON that comes before the tensor, FP32 [batch_size, *shape], in the body; the names of input and output.

    Source: Triton's binary tensor data extension of the KServe v2 protocol. The bytes are tritonclient's, which a test
    compares: importing tritonclient.http takes 0.3 s of each start, and gevent with it.
    """
    binary_data_size = {"binary_data_size": batch_size * image_bytes(shape)}
    document = {
        "inputs": [{"name": taken, "shape": [batch_size, *shape], "datatype": "FP32", "parameters": binary_data_size}],
        "outputs": [{"name": given, "parameters": {"binary_data": True}}],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _host(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
