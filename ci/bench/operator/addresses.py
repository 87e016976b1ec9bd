"""Who is where: names and loopback addresses of one namespace full of rollouts. Pure."""

from dataclasses import dataclass

AGENTS, APIS, OPERATOR = "127.100", "127.110", "127.120.0.1"
PER_BLOCK = 250


@dataclass(frozen=True)
class Part:
    """One rollout and what it names; all rollouts are alike."""

    number: int
    replicas: int
    api_pods: int

    @property
    def name(self) -> str:
        return f"rollout-{self.number}"

    @property
    def server(self) -> str:
        return f"triton-{self.number}"

    @property
    def gateway(self) -> str:
        return f"api-{self.number}"

    @property
    def plan(self) -> str:
        return f"{self.server}-plan"

    @property
    def routes(self) -> str:
        return f"{self.gateway}-routes"

    @property
    def agents(self) -> dict[str, str]:
        """Pod -> address."""
        return _named(self.server, AGENTS, self.number * self.replicas, self.replicas)

    @property
    def apis(self) -> dict[str, str]:
        return _named(self.gateway, APIS, self.number * self.api_pods, self.api_pods)


def address(network: str, number: int) -> str:
    """The so manieth of a network, from .0.1 on.

    >>> address("127.100", 0), address("127.100", 250)
    ('127.100.0.1', '127.100.1.1')
    """
    return f"{network}.{number // PER_BLOCK}.{number % PER_BLOCK + 1}"


def _named(name: str, network: str, first: int, count: int) -> dict[str, str]:
    return {f"{name}-{number}": address(network, first + number) for number in range(count)}
