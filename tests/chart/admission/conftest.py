"""The chart with its policies and without, next to each other."""

from itertools import count

import pytest

from ci.stack.kubernetes import Cluster
from tests.chart.conftest import create_restricted
from tests.harness.chart.admitted import FLUX, Site

SIGNERS, APPROVERS = "bundle-signers", "gate-approvers"
numbers = count(1)


def make_site(cluster: Cluster, *settings: str, controller: str = FLUX) -> Site:
    site = Site(cluster, f"admission-{next(numbers)}")
    for namespace in (site.namespace, beside(site)):
        create_restricted(cluster, namespace)
    lists = (f"operator.approvers.namespace={beside(site)}", f"triton.agent.signersConfigMapName={SIGNERS}")
    site.install(*lists, *settings, controller=controller)
    return site


def beside(site: Site) -> str:
    """The namespace of its approvers."""
    return f"{site.namespace}-trust"


@pytest.fixture(scope="session")
def guarded(cluster: Cluster) -> Site:
    site = make_site(cluster)
    site.wait_for_policies()
    return site


@pytest.fixture(scope="session")
def signed(cluster: Cluster) -> Site:
    """The operator has approvers, and one user alone carries what others decided."""
    settings = (f"operator.approvers.configMapName={APPROVERS}", "admission.controllers={admin}")
    site = make_site(cluster, *settings, controller="admin")
    site.wait_for_policies()
    return site


@pytest.fixture(scope="session")
def unguarded(cluster: Cluster) -> Site:
    return make_site(cluster, "admission.enabled=false")
