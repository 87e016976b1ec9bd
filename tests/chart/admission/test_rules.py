"""Each rule of docs/security.md on the real API server: who asks for what, and the words of the refusal.

What is refused is seen to be allowed without the policies, by the same person with the same request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ci.stack.cluster_objects import PLAN, ROUTES
from ci.stack.kubernetes import Json, Refused
from tests.harness.chart.admitted import (
    EARLIER,
    FLUX,
    GATE,
    NAME,
    OLD_STORE,
    SPEC,
    STATUS,
    Site,
    approval,
    artifact,
    rollout,
)

OPERATOR = "operator"
Ask = Callable[[Site, str], object]


@dataclass(frozen=True)
class Case:
    name: str
    who: str
    ask: Ask
    refusal: str = ""


def edit(**spec: Any) -> Ask:
    return merge({"spec": spec}, "modelrollouts", NAME)


def approve(*approvals: Json, **spec: Any) -> Ask:
    return edit(approvals=[EARLIER, *approvals], **spec)


def create(**spec: Any) -> Ask:
    return lambda site, who: site.client(who, dry=True).create(
        site.path("modelrollouts"), rollout("another", SPEC | spec)
    )


def status(**changes: Any) -> Ask:
    return merge({"status": changes}, "modelrollouts", NAME, "status")


def document(name: str, change: Json) -> Ask:
    return merge(change, "configmaps", name)


def merge(change: Json, *path: str) -> Ask:
    return lambda site, who: site.client(who, dry=True).merge(site.path(*path), change)


def make_map(name: str, **more: Any) -> Ask:
    return lambda site, who: site.client(who, dry=True).create(
        site.path("configmaps"), {"metadata": {"name": name}} | more
    )


def remove(*path: str) -> Ask:
    return lambda site, who: site.client(who, dry=True).delete(site.path(*path))


PROMOTED = {"outcome": "Promoted", "release": {"version": 2} | artifact(2)}
FORGED = {"data": {"routes.json": '{"revision": 9007199254740991}'}}
NO_DOCUMENT = "Only the rollout operator writes plan and routes"
NO_MORE = "The rollout operator writes no other ConfigMap"
NO_STATUS = "Only the rollout operator writes the status"
NO_RELEASE = "may not release. Ask for the Role medinfer-release"
NO_APPROVAL = "may not approve. Ask for the Role medinfer-approve"
NOT_AT_ONCE = "changes version, artifact or acceptance and adds an approval"
NO_STORE = "artifact.uri begins with none of https://store.example/models/"
NO_HOST = "notify.url names none of the hosts chat.example"
GATED = [{"gate": {"name": GATE}}, {"setWeight": 100}]
VERSION_3 = {"version": 3, "artifact": artifact(3)}
KEPT = {"version": 7, "artifact": artifact(7, OLD_STORE)}
STABLE = {"version": 1, "artifact": artifact(1, OLD_STORE)}

REFUSED = [
    Case("routes forged", "owner", document(ROUTES, FORGED), NO_DOCUMENT),
    Case("routes forged by an administrator of the cluster", "admin", document(ROUTES, FORGED), NO_DOCUMENT),
    Case("routes forged by a controller", FLUX, document(ROUTES, FORGED), NO_DOCUMENT),
    Case("plan forged", "owner", document(PLAN, {"data": {"plan.json": "{}"}}), NO_DOCUMENT),
    Case("plan emptied", "owner", document(PLAN, {"data": None}), NO_DOCUMENT),
    Case("plan as bytes", "owner", document(PLAN, {"binaryData": {"more": "e30="}}), NO_DOCUMENT),
    Case("plan frozen", "owner", document(PLAN, {"immutable": True}), NO_DOCUMENT),
    Case("another ConfigMap by the operator", OPERATOR, make_map("another"), NO_MORE),
    Case("status with a later step", "owner", status(currentStepIndex=1), NO_STATUS),
    Case("status with a promotion", "owner", status(history=[PROMOTED]), NO_STATUS),
    Case("status by an administrator of the cluster", "admin", status(phase="Healthy"), NO_STATUS),
    Case("status by a controller", FLUX, status(currentStepIndex=1), NO_STATUS),
    Case("status emptied", "owner", merge({"status": None}, "modelrollouts", NAME, "status"), NO_STATUS),
    Case("an approval under another name", "ann", approve(approval("Prof. Nobody")), "Write ann into approvals.by"),
    Case(
        "one of two under another name",
        "ann",
        approve(approval("ann"), approval("bob")),
        "Write ann into approvals.by",
    ),
    Case("an earlier one rewritten", "ann", edit(approvals=[EARLIER | {"version": 2}]), "Write ann into"),
    Case("an administrator under another name", "admin", approve(approval("ann")), "Write admin into"),
    Case("a releaser approves", "rob", approve(approval("rob")), f"rob {NO_APPROVAL}"),
    Case("an approver releases", "ann", edit(**VERSION_3), f"ann {NO_RELEASE}"),
    Case("an approver takes out the gate", "ann", edit(strategy={"steps": [{"setWeight": 100}]}), f"ann {NO_RELEASE}"),
    Case("an approver softens the analysis", "ann", edit(analysis={"minSamples": 1}), f"ann {NO_RELEASE}"),
    Case("version and approval at once", "owner", approve(approval("owner", 3), **VERSION_3), NOT_AT_ONCE),
    Case(
        "bytes and approval at once",
        "owner",
        approve(approval("owner", 2, digest=artifact(3)["digest"]), artifact=artifact(3)),
        NOT_AT_ONCE,
    ),
    Case("made with its approval", "owner", create(approvals=[approval("owner")]), NOT_AT_ONCE),
    Case("another store", "rob", edit(version=3, artifact=artifact(3, OLD_STORE)), NO_STORE),
    Case("another store by a controller", FLUX, edit(version=3, artifact=artifact(3, OLD_STORE)), NO_STORE),
    Case(
        "a host that begins alike",
        "rob",
        edit(artifact=artifact(2, "https://store.example.evil.example/models/")),
        NO_STORE,
    ),
    Case("another path of the store", "rob", edit(artifact=artifact(2, "https://store.example/models2/")), NO_STORE),
    Case(
        "a set of another store", FLUX, edit(acceptance=artifact(10, OLD_STORE)), "acceptance.uri begins with none of"
    ),
    Case(
        "another set", "rob", edit(acceptance=artifact(11), **VERSION_3), "acceptance.digest is none of operator.floors"
    ),
    Case("no set", "rob", edit(acceptance=None), "acceptance.digest is none of operator.floors"),
    Case("set and approval at once", "owner", approve(approval("owner"), acceptance=None), NOT_AT_ONCE),
    Case("made with another store", "rob", create(artifact=artifact(2, "s3://models/"), approvals=[]), NO_STORE),
    Case("another webhook", "rob", edit(notify={"url": "https://evil.example/hook"}), NO_HOST),
    Case(
        "an atol above the floor", "rob", edit(warmup={"golden": {"atol": 0.11}}), "atol is above the floor 0.1: write"
    ),
    Case("the largest atol", FLUX, edit(warmup={"golden": {"atol": 1}}), "warmup.golden.atol is above the floor"),
    Case("few samples", "rob", edit(analysis={"minSamples": 49}), "below the floor 50: write 50 or more"),
    Case(
        "few samples of a shadow",
        "rob",
        edit(strategy={"steps": [{"shadow": {"percent": 1, "minSamples": 1}}, *GATED]}),
        "below the floor 50: write 50 or more",
    ),
    Case("little agreement", "rob", edit(analysis={"minAgreement": 0}), "minAgreement is below the floor 0.8"),
    Case("no gate", "rob", edit(strategy={"steps": [{"setWeight": 100}]}), f"no gate {GATE} before its first"),
    Case("a gate too late", FLUX, edit(strategy={"steps": [{"setWeight": 1}, *GATED]}), f"no gate {GATE} before"),
    Case("another gate", "rob", edit(strategy={"steps": [{"gate": {"name": "g"}}, {"setWeight": 100}]}), "no gate"),
    Case("made below a floor", "rob", create(approvals=[], analysis={"minSamples": 1}), "below the floor 50"),
    Case("a webhook without a host", FLUX, edit(notify={"url": "https:///hook"}), NO_HOST),
]
ALLOWED = [
    Case("the operator writes plan", OPERATOR, document(PLAN, {"data": {"plan.json": "{}"}})),
    Case("the operator writes routes", OPERATOR, document(ROUTES, FORGED)),
    Case("the operator writes the status", OPERATOR, status(phase="Healthy", currentStepIndex=1)),
    Case(
        "helm changes labels of the plan", "admin", document(PLAN, {"metadata": {"labels": {"helm.sh/chart": "x-2"}}})
    ),
    Case("another ConfigMap", "owner", make_map("another", data={"a": "b"})),
    Case("helm uninstall, or the namespace ends", "owner", remove("configmaps", PLAN)),
    Case(
        "the namespace's controller",
        "system:serviceaccount:kube-system:namespace-controller",
        remove("configmaps", ROUTES),
    ),
    Case("a release", "rob", edit(**VERSION_3)),
    Case("a release without earlier approvals", "rob", edit(approvals=None, **VERSION_3)),
    Case("an abort, to a store that is no longer allowed", "rob", edit(**STABLE)),
    Case("as little as the floors allow", "rob", edit(analysis={"minSamples": 50, "minAgreement": 0.8}, **VERSION_3)),
    Case("a shadow's own default", "rob", edit(strategy={"steps": [{"shadow": {"percent": 1}}, *GATED]}, **VERSION_3)),
    Case("an abort below a floor", "rob", edit(analysis={"minSamples": 1}, **STABLE)),
    Case("back to what is kept warm", "rob", edit(**KEPT)),
    Case("a stop", "rob", edit(suspend=True)),
    Case("the webhook that is allowed", "rob", edit(notify={"url": "https://CHAT.example:8443/hook"})),
    Case("an approval", "ann", approve(approval("ann"))),
    Case("an approval is taken back", "ann", edit(approvals=None)),
    Case("the owner releases", "owner", edit(**VERSION_3)),
    Case("the owner approves", "owner", approve(approval("owner"))),
    Case("git carries both", FLUX, approve(approval("ann", 3), **VERSION_3)),
    Case("git makes it anew", FLUX, create(approvals=[approval("ann")])),
]
SIGNED = approval("jane", 3, time="2026-11-29T12:00:00Z", signature="of somebody whom the operator asks for")
WITH_APPROVERS = [
    Case("who releases carries a signature", "rob", approve(SIGNED, **VERSION_3)),
    Case("the named user carries what others decided", "admin", approve(approval("ann", 3), **VERSION_3)),
    Case("no signature", "rob", approve(approval("jane", 3), **VERSION_3), f"rob {NO_APPROVAL}"),
    Case("an empty signature", "rob", approve(SIGNED | {"signature": ""}, **VERSION_3), f"rob {NO_APPROVAL}"),
    Case("one of two without", "rob", approve(SIGNED, approval("rob")), f"rob {NO_APPROVAL}"),
    Case("a ServiceAccount that is not named", FLUX, approve(approval("ann")), f"Write {FLUX} into"),
]
NOT_BY_RIGHTS = [
    Case("who views releases", "vic", edit(suspend=True), "cannot patch resource"),
    Case("who releases deletes", "rob", remove("modelrollouts", NAME), "cannot delete resource"),
    Case("who approves creates", "ann", create(), "cannot create resource"),
    Case("who approves writes the status", "ann", status(phase="Healthy"), "cannot patch resource"),
    Case("who releases writes routes", "rob", document(ROUTES, FORGED), "cannot patch resource"),
    Case("the operator edits a spec", OPERATOR, edit(suspend=True), "cannot patch resource"),
]
each = pytest.mark.parametrize


def named(cases: list[Case]) -> list[Any]:
    return [pytest.param(case, id=case.name.replace(" ", "-")) for case in cases]


def ask(case: Case, site: Site) -> None:
    """Raises Refused where the API server refuses."""
    case.ask(site, site.operator if case.who == OPERATOR else case.who)


@each("case", named(REFUSED))
def test_is_refused(case: Case, guarded: Site, unguarded: Site) -> None:
    ask(case, unguarded)
    with pytest.raises(Refused) as refused:
        ask(case, guarded)
    assert case.refusal in str(refused.value)
    assert "ValidatingAdmissionPolicy 'medinfer-" in str(refused.value)


@each("case", named(ALLOWED))
def test_is_allowed(case: Case, guarded: Site) -> None:
    """`ask` raises what the API server refuses."""
    ask(case, guarded)


@each("case", named(WITH_APPROVERS))
def test_signatures_and_named_users(case: Case, signed: Site) -> None:
    if not case.refusal:
        return ask(case, signed)
    with pytest.raises(Refused) as refused:
        ask(case, signed)
    assert case.refusal in str(refused.value)


@each("case", named(NOT_BY_RIGHTS))
def test_has_no_right(case: Case, guarded: Site) -> None:
    with pytest.raises(Refused, match=case.refusal):
        ask(case, guarded)


def test_a_document_that_was_deleted_comes_back_from_the_operator_alone(guarded: Site) -> None:
    path, document = guarded.path("configmaps"), {"metadata": {"name": ROUTES}} | FORGED
    guarded.client("owner").delete(guarded.path("configmaps", ROUTES))
    with pytest.raises(Refused, match=NO_DOCUMENT):
        guarded.client("owner").create(path, document)
    guarded.client("owner", dry=True).create(path, {"metadata": {"name": ROUTES}})
    guarded.client(guarded.operator).create(path, document)


def test_what_lies_below_a_floor_is_stopped_and_taken_back_but_not_released(guarded: Site) -> None:
    """As after somebody raised a floor."""
    flux, path = guarded.client(FLUX), guarded.path("modelrollouts", "older")
    stored = flux.create(guarded.path("modelrollouts"), rollout("older", SPEC))
    guarded.client(guarded.operator).replace(f"{path}/status", stored | {"status": STATUS})
    flux.merge(path, {"spec": {"analysis": {"minSamples": 1}, **STABLE}})
    rob = guarded.client("rob", dry=True)
    rob.merge(path, {"spec": {"suspend": True}})
    rob.merge(path, {"spec": KEPT})
    guarded.client("ann", dry=True).merge(path, {"spec": {"approvals": [EARLIER, approval("ann")]}})
    with pytest.raises(Refused, match="below the floor 50"):
        rob.merge(path, {"spec": VERSION_3})


def test_the_table_has_a_status_to_forge(guarded: Site) -> None:
    assert guarded.client("vic").get(guarded.path("modelrollouts", NAME))["status"] == STATUS


def test_as_many_approvals_as_there_may_be_are_judged(guarded: Site) -> None:
    """The API server gives up on an expression that costs too much, which would keep everybody out."""
    many = [approval(f"{number:0252}", number) for number in range(1, 101)]
    guarded.client(FLUX).create(guarded.path("modelrollouts"), rollout("many", SPEC | {"approvals": many}))
    path, ann = guarded.path("modelrollouts", "many"), guarded.client("ann", dry=True)
    ann.merge(path, {"spec": {"approvals": [approval("ann", number) for number in range(101, 201)]}})
    with pytest.raises(Refused, match="Write ann into"):
        ann.merge(path, {"spec": {"approvals": [approval("bob", number) for number in range(101, 201)]}})
