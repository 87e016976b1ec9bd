"""Who may write the lists of signers and approvers, with the policies and without."""

from functools import partial

import pytest

from ci.stack.cluster_objects import config_map
from ci.stack.kubernetes import Refused
from ci.stack.waiting import wait_until
from tests.chart.admission.conftest import APPROVERS, SIGNERS, beside
from tests.chart.admission.test_rules import Ask, Case, ask, document, each, make_map, named, remove
from tests.harness.chart.admitted import FLUX, RBAC, Site

# Kubernetes' own role `edit` has the rules of this one, once a controller put them together.
EDIT = "system:aggregate-to-edit"
FORGED = {"data": {"signers.yaml": "signers: [{name: eve}]"}}


def make_beside(name: str) -> Ask:
    """In the namespace of the approvers."""
    return lambda site, who: site.client(who, dry=True).create(
        f"/api/v1/namespaces/{beside(site)}/configmaps", {"metadata": {"name": name}} | FORGED
    )


NO_SIGNERS = "eve may not say who is trusted. Ask for the Role medinfer-trust-signers in namespace "
NO_APPROVERS = "eve may not say who is trusted. Ask for the Role medinfer-trust-approvers in namespace "
REFUSED = [
    Case("a signer more", "eve", document(SIGNERS, FORGED), NO_SIGNERS),
    Case("signers frozen", "eve", document(SIGNERS, {"immutable": True}), NO_SIGNERS),
    Case("approvers where there are none", "eve", make_beside(APPROVERS), NO_APPROVERS),
]
ALLOWED = [
    Case("whom the platform team chose", "pat", document(SIGNERS, FORGED)),
    Case("git carries the list", FLUX, document(SIGNERS, FORGED)),
    Case("the administrator makes a list", "admin", make_beside(APPROVERS)),
    Case("another ConfigMap", "eve", make_map("another")),
    Case("the name of the other list", "eve", make_map(APPROVERS)),
    Case("nobody is trusted", "eve", remove("configmaps", SIGNERS)),
]
NOT_BY_RIGHTS = [
    Case(f"{who} writes signers", who, document(SIGNERS, FORGED), "cannot patch resource")
    for who in ("vic", "rob", "ann")
]


def bind(site: Site, user: str, kind: str, role: str, namespace: str) -> None:
    rbac = f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings"
    reference = {"apiGroup": RBAC, "kind": kind, "name": role}
    subjects = [{"apiGroup": RBAC, "kind": "User", "name": user}]
    site.cluster.client.create(rbac, {"metadata": {"name": user}, "roleRef": reference, "subjects": subjects})


def with_lists(site: Site) -> Site:
    """`eve` may edit both namespaces. The list of approvers is still to be made."""
    site.cluster.client.create(site.path("configmaps"), config_map(SIGNERS, {"signers.yaml": "signers: []"}))
    for namespace in (site.namespace, beside(site)):
        bind(site, "eve", "ClusterRole", EDIT, namespace)
    wait_until(partial(is_allowed, site, make_map("another")), "eve edits the namespace")
    wait_until(partial(is_allowed, site, make_beside("another")), "eve edits the other one")
    return site


def is_allowed(site: Site, asked: Ask, who: str = "eve") -> bool:
    try:
        asked(site, who)
    except Refused:
        return False
    return True


@pytest.fixture(scope="module")
def trusted(signed: Site) -> Site:
    bind(signed, "pat", "Role", "medinfer-trust-signers", signed.namespace)
    site = with_lists(signed)
    wait_until(partial(is_allowed, site, document(SIGNERS, {}), "pat"), "pat writes the list")
    wait_until(lambda: not is_allowed(site, document(SIGNERS, {})), "the policy is in force")
    return site


@pytest.fixture(scope="module")
def untrusted(unguarded: Site) -> Site:
    return with_lists(unguarded)


@each("case", named(REFUSED))
def test_is_refused(case: Case, trusted: Site, untrusted: Site) -> None:
    ask(case, untrusted)
    with pytest.raises(Refused) as refused:
        ask(case, trusted)
    assert case.refusal + trusted.namespace in str(refused.value)


@each("case", named(ALLOWED))
def test_is_allowed(case: Case, trusted: Site) -> None:
    """`ask` raises what the API server refuses."""
    ask(case, trusted)


@each("case", named(NOT_BY_RIGHTS))
def test_has_no_right(case: Case, trusted: Site) -> None:
    with pytest.raises(Refused, match=case.refusal):
        ask(case, trusted)
