"""The only module that talks to the replicas' agents. It asks them whether a version is warm."""

import asyncio

from inference_api.routing.document import Replica
from inference_api.transport.connections import ConnectionFailure, ExchangeTimeout, Pool
from inference_api.transport.resolver import Resolver

_ASK_SECONDS = 0.5
_MEANING = {200: True, 404: False}


class Agents:
    """The agents, each on its replica's host at `port`."""

    def __init__(self, port: int, names: Resolver) -> None:
        self._port = port
        self._names = names

    async def is_warm(self, replica: Replica, version: int) -> bool | None:
        """Whether the agent has proved this version there; None when it does not answer, or not with 200 or 404."""
        host = f"[{replica.host}]" if ":" in replica.host else replica.host
        request = f"GET /versions/{version} HTTP/1.1\r\nHost: {host}:{self._port}\r\nConnection: close\r\n\r\n"
        pool = Pool(replica.host, self._port, self._names)
        try:
            reply = await pool.exchange(request.encode(), asyncio.get_running_loop().time() + _ASK_SECONDS)
        except (ConnectionFailure, ExchangeTimeout):
            return None
        finally:
            pool.close()
        return _MEANING.get(reply.status)
