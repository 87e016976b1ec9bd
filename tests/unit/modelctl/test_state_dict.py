"""The weights are found where people's training programs put them, or the refusal says what to do."""

from typing import Any

import numpy as np
import pytest
from modelctl import state_dict
from modelctl.bundle.errors import InvalidCheckpoint
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]

BODY = ("conv1.weight", "bn1.weight", "layer1.0.conv1.weight")
NAMES = (*BODY, "fc.weight", "fc.bias")


def weights(value: float = 1, prefix: str = "", names: tuple[str, ...] = NAMES) -> State:
    """`fc.weight` has two axes, as a linear layer has."""
    return {prefix + name: np.full((4, 2) if name == "fc.weight" else 2, value, np.float32) for name in names}


def linear(name: str, value: float = 1) -> State:
    return {f"{name}.weight": np.full((4, 2), value, np.float32), f"{name}.bias": np.full(2, value, np.float32)}


ONE = np.array(1)
CHILDREN = {"0.weight": "conv1.weight", "1.weight": "bn1.weight", "4.0.conv1.weight": "layer1.0.conv1.weight"}


@pytest.mark.parametrize(
    "document, origin",
    [
        pytest.param(weights(), "", id="plain"),
        pytest.param(weights() | {"bn1.num_batches_tracked": ONE, "total_ops": ONE}, "", id="counts"),
        pytest.param({"epoch": ONE, "model": weights(), "best": ONE}, "weights at model", id="model"),
        pytest.param({"net": weights(prefix="module.")}, "weights at net", id="net-of-data-parallel"),
        pytest.param(weights(prefix="module."), "", id="data-parallel"),
        pytest.param(weights(prefix="_orig_mod.module."), "", id="compiled"),
        pytest.param(weights(prefix="module.") | {"n_averaged": ONE}, "", id="averaged"),
        pytest.param(
            {"module": weights(), "optimizer": {"exp_avg": weights(2)["fc.weight"]}},
            "weights at module",
            id="deepspeed",
        ),
        pytest.param(
            {name.replace(".0.", "._fsdp_wrapped_module.0."): value for name, value in weights().items()}, "", id="fsdp"
        ),
        pytest.param(
            {"state_dict": weights(prefix="model.") | {"criterion.weight": ONE, "train_acc.tp": ONE}},
            "weights at state_dict/model",
            id="lightning",
        ),
        pytest.param(weights(prefix="model.backbone."), "weights at model.backbone", id="prefixes"),
        pytest.param({"model": weights(), "ema": weights()}, "weights at model", id="twice-the-same"),
        pytest.param(weights(names=BODY) | linear("fc.1"), "fc at fc.1", id="dropout-and-linear"),
        pytest.param(
            weights(prefix="model.", names=BODY) | linear("model.fc.0"),
            "weights at model, fc at model.fc.0",
            id="nested-fc",
        ),
        pytest.param(
            weights(prefix="backbone.", names=BODY) | linear("classifier"),
            "weights at backbone, fc at classifier",
            id="head-beside",
        ),
        pytest.param(
            {f"features.{child}": weights()[name] for child, name in CHILDREN.items()} | linear("head.fc"),
            "weights at features, fc at head.fc",
            id="children-in-a-sequential",
        ),
    ],
)
def test_found(document: dict[str, Any], origin: str) -> None:
    found = state_dict.find(document, NAMES)
    assert found.origin == origin
    assert set(found.tensors) == set(NAMES)
    assert all((value == 1).all() for value in found.tensors.values())


TWO = {"state_dict": weights(1), "state_dict_ema": weights(2)}


@pytest.mark.parametrize(
    "document, reason",
    [
        pytest.param({}, "conv1.weight is missing; the checkpoint holds no tensors", id="empty"),
        pytest.param({"epoch": ONE, "x\x1b[2J": ONE}, r"holds epoch, x\x1b[2J; save", id="nothing-like-it"),
        pytest.param(
            TWO, "several networks that differ, at state_dict, state_dict_ema; choose the one that was", id="ema"
        ),
        pytest.param(
            weights(1, "encoder_q.") | weights(2, "encoder_k."), "at encoder_q, encoder_k; choose", id="two-encoders"
        ),
        pytest.param(
            weights(prefix="model.") | {"normalize.mean": ONE},
            "normalize.mean lies beside the network at model; if no answer depends on it, say so with --weights model",
            id="a-tensor-beside",
        ),
        pytest.param(
            weights(names=BODY) | linear("fc.0") | linear("fc.3"),
            "several layers after the network (fc.0, fc.3)",
            id="mlp",
        ),
        pytest.param(
            weights(names=BODY) | {"fc.0.running_mean": ONE} | linear("fc.2"),
            "(fc.2, fc.0), and a checkpoint does not say what is between them; write model.onnx with torch.onnx.export",
            id="normalized-head",
        ),
        pytest.param(
            weights(prefix="net.", names=BODY) | linear("a") | linear("b"), "several layers after", id="two-heads"
        ),
    ],
)
def test_refused(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidCheckpoint) as refused:
        state_dict.find(document, NAMES)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "document, chosen, value",
    [
        pytest.param(TWO, "state_dict_ema", 2, id="averaged"),
        pytest.param(TWO, "state_dict", 1, id="last"),
        pytest.param(weights(1, "module.q.") | weights(2, "module.k."), "k", 2, id="prefix"),
        pytest.param(weights(3, "model.") | {"normalize.mean": ONE}, "model", 3, id="beside"),
        pytest.param(weights(1, "ema.") | weights(2), ".", 2, id="at-the-top"),
    ],
)
def test_a_place_is_chosen(document: dict[str, Any], chosen: str, value: float) -> None:
    found = state_dict.find(document, NAMES, chosen)
    assert all((found.tensors[name] == value).all() for name in NAMES)


def test_a_place_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidCheckpoint, match="--weights ema: there is no whole network; it is at state_dict, state"):
        state_dict.find(TWO, NAMES, "ema")


def test_of_incomplete_networks_the_fullest_is_left_to_be_judged() -> None:
    document = {"a": weights(1, names=BODY[:1]), "b": weights(2, "net.", names=NAMES[1:] + BODY[:1])}
    del document["b"]["net.bn1.weight"]
    assert (state_dict.find(document, NAMES).tensors["conv1.weight"] == 2).all()
