"""Asks agents and API pods for their state: all at once, with a short timeout, and without trusting the answers."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Self, TypeVar

import aiohttp

from rollout_operator.documents import agent, api
from rollout_operator.documents.agent import AgentState, parse_agent_state
from rollout_operator.documents.api import ApiState, parse_api_state
from rollout_operator.documents.codec import InvalidDocument

MAX_BYTES = max(agent.MAX_BYTES, api.MAX_BYTES)
MAX_CONNECTIONS = 200
# Longer than the 10 s between two reconciles, and well below the 75 s of agents and API pods: we close first.
KEEP_SECONDS = 30.0
T = TypeVar("T")

log = logging.getLogger(__name__)


class PodClient:
    """An HTTP client with connections that are kept. `timeout_seconds`: for each answer as a whole."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._nonsense: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=MAX_CONNECTIONS, limit_per_host=4, keepalive_timeout=KEEP_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask_agents(self, agents: Sequence[tuple[str, str]]) -> list[AgentState | None]:
        """(pod, url) each; in this order. None: no answer, or nonsense. An empty URL is not asked."""
        return await asyncio.gather(
            *(self._ask(url and f"{url}/state", partial(_parse_state_of, pod)) for pod, url in agents)
        )

    async def ask_api_pods(self, urls: Sequence[str]) -> list[ApiState | None]:
        """In this order. None: no answer, or nonsense. An empty URL is not asked."""
        return await asyncio.gather(*(self._ask(url and f"{url}/routes", parse_api_state) for url in urls))

    async def _ask(self, url: str, parse: Callable[[bytes], T]) -> T | None:
        if not url:
            return None
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    return None
                state = parse(await _read(response))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        except InvalidDocument as error:
            self._note_nonsense(url, str(error))
            return None
        self._nonsense.pop(url, None)
        return state

    def _note_nonsense(self, url: str, problem: str) -> None:
        """Logs a problem once, not once a second."""
        if self._nonsense.get(url) != problem:
            self._nonsense[url] = problem
            log.warning("unusable answer; the pod counts as silent", extra={"url": url, "error": problem[:500]})


def _parse_state_of(pod: str, content: bytes) -> AgentState:
    """An agent of another replica may answer at an address that was this one's: its answer is refused."""
    state = parse_agent_state(content)
    if state.replica != pod:
        problem = f"replica: is {state.replica!r} at the address of pod {pod}; set MEDINFER_AGENT_REPLICA to its name"
        raise InvalidDocument((problem,))
    return state


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Whole, or a little more than is allowed: the parser then refuses it by its size."""
    content = bytearray()
    async for part in response.content.iter_chunked(1 << 16):
        content += part
        if len(content) > MAX_BYTES:
            break
    return bytes(content)
