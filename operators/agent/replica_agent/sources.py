"""Where a file may come from: its store, then the other replicas, one after the other until one gives it."""

from collections.abc import Callable, Collection

from replica_agent.plan import Plan
from replica_agent.state import Reason, VersionFailed
from replica_agent.store.errors import Refused
from replica_agent.store.rules import Rules, check, check_credentials, siblings

FetchFrom = Callable[[str, Rules], None]
"""Fetches from this address under these rules, or raises VersionFailed."""


def fetch_from_first(
    uri: str, rules: Rules, others: list[str], fetch_from: FetchFrom, passed_over: Collection[Reason]
) -> None:
    """Returns once one has given it. `others`: addresses at the other replicas. After a failure for a reason in
    `passed_over` the next one is asked.

    Raises VersionFailed with the store's own reason, as wrong bytes there are final, and wrong bytes of another
    replica prove nothing; and whatever else `fetch_from` raises. An address that the settings do not allow is
    refused, also where another replica has the file.
    """
    _check(uri, rules)
    failures: list[VersionFailed] = []
    for source, allowed in [(uri, rules), *((other, siblings(rules)) for other in others)]:
        try:
            return fetch_from(source, allowed)
        except VersionFailed as failure:
            if failure.reason not in passed_over:
                raise
            failures.append(failure)
    raise VersionFailed(failures[0].reason, "; ".join(failure.message for failure in failures))


def at_others(plan: Plan, replica: str, path: str) -> list[str]:
    """The addresses of `path` at all replicas but this one."""
    return [f"{one.url.rstrip('/')}/{path}" for one in plan.siblings if one.name != replica]


def _check(uri: str, rules: Rules) -> None:
    try:
        check_credentials(uri)
        check(uri, rules.prefixes)
    except Refused as refused:
        raise VersionFailed(Reason.FETCH_FAILED, str(refused)) from None
