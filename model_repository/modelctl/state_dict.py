"""Finds a network's weights in what a checkpoint holds: nested, with prefixes, beside other tensors, twice."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.errors import InvalidCheckpoint

State = dict[str, NDArray[Any]]

HEAD = "fc"
ANOTHER_WAY = "or write model.onnx with torch.onnx.export and go on with modelctl pack"

# Parts of a name that DataParallel, torch.compile, FSDP and activation checkpointing put in.
_WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# torchvision's resnet50 as nn.Sequential(*model.children()).
_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
# Tensors that no answer depends on: counts of batches, averages and operations; weights of losses; states of metrics.
_NO_WEIGHTS = re.compile(
    r"(^|\.)(num_batches_tracked|n_averaged|total_ops|total_params)$"
    r"|(^|[._])(loss|criterion|metrics?|acc|accuracy|auroc|auc|f1|precision|recall|confmat)(_fn|_fun|_func|_weights?)?\."
)


@dataclass(frozen=True)
class Found:
    """Tensors under the names that were looked for (and others, if the network has more), and words on where they lay.

    `origin` is empty where they lay as torchvision's own state dict has them."""

    tensors: State
    origin: str


@dataclass(frozen=True)
class _Place:
    """A dict of tensors at `path` in the document, and the prefix of those that are the network's."""

    path: tuple[str, ...]
    prefix: str
    tensors: State

    @property
    def label(self) -> str:
        return "/".join([*self.path, *([self.prefix.rstrip(".")] if self.prefix else [])]) or "."

    @property
    def inside(self) -> State:
        start = len(self.prefix)
        return {name[start:]: value for name, value in self.tensors.items() if name.startswith(self.prefix)}

    @property
    def outside(self) -> State:
        return {name: value for name, value in self.tensors.items() if not name.startswith(self.prefix)}


def find(document: Mapping[str, Any], names: Sequence[str], chosen: str = "") -> Found:
    """The weights named `names` in `document`, a nested dict of arrays; `chosen`: the place, where there are several.

    Raises InvalidCheckpoint where there are none or several that differ, or other tensors beside them.
    """
    body = [name for name in names if not name.startswith(f"{HEAD}.")]
    places = list(_places(document, body[0]))
    if not places:
        raise InvalidCheckpoint(_nothing(document, names[0]))
    whole = [place for place in places if all(name in place.inside for name in body)]
    if chosen and whole:
        place = _chosen(whole, chosen)
    elif whole:
        place = _the_only(whole)
    else:
        # None is whole: the fullest one, of which the caller names what is missing.
        place = max(places, key=lambda one: sum(name in one.inside for name in body))
    return _with_head(place, names, bool(chosen))


def _places(document: Mapping[str, Any], anchor: str) -> Iterator[_Place]:
    for path, tensors in _dicts(document, ()):
        usual = _as_torchvision(_unwrapped(tensors))
        for name in usual:
            if name == anchor or name.endswith(f".{anchor}"):
                yield _Place(path, name.removesuffix(anchor), usual)


def _dicts(document: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], State]]:
    tensors = {name: value for name, value in document.items() if isinstance(value, np.ndarray)}
    if tensors:
        yield path, tensors
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _dicts(value, (*path, name))


def _unwrapped(tensors: State) -> State:
    needed = {name: value for name, value in tensors.items() if not _NO_WEIGHTS.search(name)}
    usual = {".".join(part for part in name.split(".") if part not in _WRAPPERS): needed[name] for name in needed}
    return usual if len(usual) == len(needed) else needed


def _as_torchvision(tensors: State) -> State:
    first = "4.0.conv1.weight"
    prefixes = [name.removesuffix(first) for name in tensors if name == first or name.endswith(f".{first}")]
    for prefix in prefixes:
        tensors = {_child(name, prefix): value for name, value in tensors.items()}
    return tensors


def _child(name: str, prefix: str) -> str:
    child, dot, rest = name.removeprefix(prefix).partition(".")
    return f"{prefix}{_CHILDREN.get(child, child)}{dot}{rest}" if name.startswith(prefix) else name


def _chosen(whole: list[_Place], chosen: str) -> _Place:
    for place in whole:
        if place.label == chosen:
            return place
    labels = ", ".join(_shown(place.label) for place in whole) or "nowhere"
    raise InvalidCheckpoint(f"--weights {_shown(chosen)}: there is no whole network; it is at {labels}")


def _the_only(whole: list[_Place]) -> _Place:
    first = whole[0]
    for other in whole[1:]:
        if not _equal(first.inside, other.inside):
            labels = ", ".join(_shown(place.label) for place in whole)
            raise InvalidCheckpoint(
                f"the checkpoint holds several networks that differ, at {labels}; "
                f"choose the one that was evaluated, with --weights {_shown(whole[-1].label)} for example"
            )
    return first


def _equal(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def _with_head(place: _Place, names: Sequence[str], chosen: bool) -> Found:
    tensors, others = place.inside, place.outside
    origin = [] if place.label == "." else [f"weights at {_shown(place.label)}"]
    if f"{HEAD}.weight" not in tensors:
        beside = {f"{place.prefix}{name}": value for name, value in tensors.items() if name not in names} | others
        layer = _only_layer(beside)
        if layer:
            origin.append(f"{HEAD} at {_shown(layer)}")
            head = {f"{layer}.{part}": f"{HEAD}.{part}" for part in ("weight", "bias") if f"{layer}.{part}" in beside}
            others = {name: value for name, value in others.items() if name not in head}
            tensors = {name: value for name, value in tensors.items() if f"{place.prefix}{name}" not in head}
            tensors |= {usual: beside[name] for name, usual in head.items()}
    if others and not chosen and all(name in tensors for name in names):
        raise InvalidCheckpoint(
            f"{_shown(next(iter(others)))} lies beside the network at {_shown(place.label)}; "
            f"if no answer depends on it, say so with --weights {_shown(place.label)}, {ANOTHER_WAY}"
        )
    return Found(tensors, ", ".join(origin))


def _only_layer(beside: State) -> str:
    """The one linear layer among the tensors that are not the network's body; empty if there is none.

    What a Sequential has around it without weights (Dropout, or a ReLU of what is not negative) changes no answer.
    """
    layers = [
        name.removesuffix(".weight") for name, value in beside.items() if name.endswith(".weight") and value.ndim > 1
    ]
    if not layers:
        return ""
    part_of_one = [name for name in beside if name.partition(".")[0] == layers[0].partition(".")[0]]
    more = [name for name in part_of_one if name.rpartition(".")[0] != layers[0]]
    if len(layers) > 1 or more:
        shown = ", ".join(_shown(name) for name in dict.fromkeys([*layers, *(one.rpartition(".")[0] for one in more)]))
        raise InvalidCheckpoint(
            f"there are several layers after the network ({shown[:200]}), and a checkpoint does not say what is "
            "between them; write model.onnx with torch.onnx.export and go on with modelctl pack"
        )
    return layers[0]


def _nothing(document: Mapping[str, Any], name: str) -> str:
    held = ", ".join(_shown(key) for key in list(document)[:5]) or "no tensors"
    return (
        f"{name} is missing; the checkpoint holds {held}; "
        f"save model.state_dict() of torchvision's resnet50, {ANOTHER_WAY}"
    )


def _shown(name: str) -> str:
    """Names come from a file of somebody else's."""
    return ascii(name)[1:-1][:80]
