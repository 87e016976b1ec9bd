"""All agents and API pods of a namespace in one process: `python -m ci.bench.operator.simulator`.

One watch stands in for those that each of them would have: what they cost the API server is not measured here.
"""

import argparse
import asyncio
import json
import ssl
import time
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from ci.bench.operator.addresses import Part
from ci.bench.operator.agents import Agent
from ci.bench.operator.answering import Answer, Answering
from ci.bench.operator.apis import Api
from ci.bench.operator.documents import Json, Lines, documents_in, entry, to_line

AGENT_PORT, API_PORT = 8080, 8003
IDLE_SECONDS = 75  # as agents and API pods keep a connection
BACKLOG = 16
RETRY_SECONDS = 1


class Simulator:
    def __init__(self, parts: list[Part], warm_seconds: float, requests_per_second: float) -> None:
        self.agents = {ip: Agent(name, warm_seconds) for part in parts for name, ip in part.agents.items()}
        self.apis = {ip: Api(name, requests_per_second) for part in parts for name, ip in part.apis.items()}
        self._followers: dict[str, list[Agent] | list[Api]] = {}
        for part in parts:
            self._followers[part.plan] = [self.agents[ip] for ip in part.agents.values()]
            self._followers[part.routes] = [self.apis[ip] for ip in part.apis.values()]

    def follow(self, event: Json) -> None:
        for name, document in documents_in(event):
            print(to_line(entry(time.time(), name, document)), flush=True)
            for one in self._followers.get(name, ()):
                one.follow(document, time.monotonic())

    async def serve(self) -> None:
        """Returns when every address listens."""
        agents = ("/state", lambda ip: self.agents[ip].answer(time.monotonic()), IDLE_SECONDS)
        apis = ("/routes", lambda ip: self.apis[ip].answer(time.monotonic()), IDLE_SECONDS)
        await listen(list(self.agents), AGENT_PORT, *agents)
        await listen(list(self.apis), API_PORT, *apis)

    async def watch(self, url: str, context: ssl.SSLContext) -> None:
        """Until cancelled. A watch that ends starts again with a list of everything."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                lines = Lines()
                async with session.get(url, params={"watch": "1"}, ssl=context) as response:
                    response.raise_for_status()
                    async for data in response.content.iter_any():
                        for line in lines.feed(data):
                            self.follow(json.loads(line))
                await asyncio.sleep(RETRY_SECONDS)


async def listen(addresses: list[str], port: int, path: str, answer: Answer, idle_seconds: float) -> None:
    protocol = partial(Answering, path.encode(), answer, idle_seconds)
    await asyncio.get_running_loop().create_server(protocol, addresses, port, backlog=BACKLOG)


def read_kubeconfig(path: Path) -> tuple[str, ssl.SSLContext]:
    """The server's URL, and who we are there; ci/stack/control_plane.py wrote it."""
    document = json.loads(path.read_text())
    server, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    context = ssl.create_default_context(cafile=server["certificate-authority"])
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    return server["server"], context


async def run(arguments: argparse.Namespace) -> None:
    parts = [Part(number, arguments.replicas, arguments.api_pods) for number in range(arguments.rollouts)]
    simulator = Simulator(parts, arguments.warm_seconds, arguments.requests_per_second)
    await simulator.serve()
    url, context = read_kubeconfig(arguments.kubeconfig)
    await simulator.watch(f"{url}/api/v1/namespaces/{arguments.namespace}/configmaps", context)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.bench.operator.simulator", description=__doc__)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--rollouts", type=int, required=True)
    parser.add_argument("--replicas", type=int, required=True, help="of each rollout")
    parser.add_argument("--api-pods", type=int, required=True, help="of each rollout")
    parser.add_argument("--warm-seconds", type=float, required=True, help="from the plan until a version is warm")
    parser.add_argument("--requests-per-second", type=float, required=True, help="of each API pod")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
