"""Pods that the API server refuses to create: helm's notes explain the event of their owner and name the fix."""

from dataclasses import dataclass

import pytest

from ci.stack.kubernetes import Cluster, Refused
from tests.chart.test_pending import ask
from tests.harness.chart import notes
from tests.harness.chart.helm import render
from tests.harness.chart.placing import Placing
from tests.harness.kubectl import Kubectl

CAUSE = "a pod is missing"


@dataclass(frozen=True)
class Situation:
    """`event`: the message about the first replica; `advice`: what the notes and the commands in them say about it.

    `fix`: the settings that fix it: with them all pods are created.
    """

    settings: tuple[str, ...]
    event: str
    advice: tuple[str, ...]
    fix: tuple[str, ...]


SITUATIONS = {
    "no such runtime class": Situation(
        ("triton.runtimeClassName=nvidia-cdi",),
        'RuntimeClass "nvidia-cdi" not found',
        ("triton.runtimeClassName is nvidia-cdi", "nvidia   nvidia"),
        ("triton.runtimeClassName=nvidia",),
    ),
    "a runtime class is asked for where none is needed": Situation(
        ("triton.runtimeClassName=nvidia-cdi",),
        'RuntimeClass "nvidia-cdi" not found',
        ('triton.runtimeClassName: ""',),
        ("triton.runtimeClassName=",),
    ),
    "no such priority class": Situation(
        ("triton.priorityClassName=patients",),
        "no PriorityClass with name patients was found",
        ("triton.priorityClassName", "clinical"),
        ("triton.priorityClassName=clinical",),
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_notes_say_how_to_fix_it(name: str, cluster: Cluster, namespace: str, placing: Placing) -> None:
    situation, kubectl = SITUATIONS[name], Kubectl(cluster.kubeconfig("admin", "default"))
    with pytest.raises(Refused) as refused:
        placing.create(render(settings=situation.settings))
    event = placing.tell_refusal("medinfer-triton", "medinfer-triton-0", refused.value)
    assert situation.event in event
    advice = notes.render(settings=situation.settings, namespace=namespace)
    assert event in ask(kubectl, notes.find_events(advice, CAUSE))
    text = notes.explain(advice, event, CAUSE)
    read = text + "".join(ask(kubectl, command) for command in notes.commands(text))
    assert [words for words in situation.advice if words not in read] == []
    placing.delete()
    placing.create(render(settings=[*situation.settings, *situation.fix]))
