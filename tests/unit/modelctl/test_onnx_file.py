"""A model.onnx is one graph with its weights: no file that ONNX Runtime would read, no operator of a library."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf.descriptor import Descriptor
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.onnx_file import DOMAINS, read_opset
from modelctl.bundle.onnx_schema import ALLOWED, REFUSED
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, inliner, numpy_helper

Spoil = Callable[[ModelProto], object]


def outside() -> TensorProto:
    """A tensor whose data is in another file."""
    tensor = TensorProto(name="w", dims=[4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret.bin")
    return tensor


def graph(*nodes: NodeProto, weights: tuple[TensorProto, ...] = ()) -> GraphProto:
    return helper.make_graph(list(nodes), "g", [], [], list(weights))


def node(domain: str = "", op: str = "Relu", **attributes: Any) -> NodeProto:
    return helper.make_node(op, ["x"], ["y"], domain=domain, **attributes)


def branch(inner: GraphProto) -> NodeProto:
    return node(op="If", then_branch=graph(), else_branch=inner)


def model() -> ModelProto:
    weight = numpy_helper.from_array(np.ones(4, np.float32), "w")
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("pkg.exporter", 1)]
    return helper.make_model(graph(node(), node("com.microsoft", "Gelu"), weights=(weight,)), opset_imports=opsets)


def function(*nodes: NodeProto, domain: str = "", defaults: tuple[AttributeProto, ...] = ()) -> onnx.FunctionProto:
    return onnx.FunctionProto(name="f", domain=domain, node=nodes, attribute_proto=defaults)


def opset(made: ModelProto, more_domains: tuple[str, ...] = ()) -> int:
    data = made.SerializeToString()
    return read_opset(io.BytesIO(data), len(data), more_domains)


def add(*nodes: NodeProto) -> Spoil:
    return lambda made: made.graph.node.extend(nodes)


def define(one: onnx.FunctionProto) -> Spoil:
    return lambda made: made.functions.append(one)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda made: made.graph.initializer.append(outside()), id="an-initializer"),
        pytest.param(add(node(op="Constant", value=outside())), id="an-attribute"),
        pytest.param(add(NodeProto(attribute=[AttributeProto(name="a", tensors=[outside()])])), id="a-list"),
        pytest.param(add(branch(graph(weights=(outside(),)))), id="a-subgraph"),
        pytest.param(add(branch(graph(branch(graph(node(value=outside())))))), id="a-subgraph-of-a-subgraph"),
        pytest.param(
            add(NodeProto(attribute=[AttributeProto(name="a", graphs=[graph(weights=(outside(),))])])), id="graphs"
        ),
        pytest.param(define(function(node(op="Constant", value=outside()))), id="a-function"),
        pytest.param(define(function(branch(graph(weights=(outside(),))))), id="a-subgraph-of-a-function"),
        pytest.param(define(function(defaults=(AttributeProto(name="a", t=outside()),))), id="a-default-of-a-function"),
        pytest.param(
            lambda made: made.graph.initializer.append(TensorProto(data_location=TensorProto.EXTERNAL)),
            id="a-place-alone",
        ),
        pytest.param(
            lambda made: made.graph.initializer[0].external_data.add(key="location", value="x"), id="a-key-alone"
        ),
    ],
)
def test_external_data_is_refused_wherever_it_is(spoil: Spoil) -> None:
    made = model()
    spoil(made)
    with pytest.raises(InvalidBundle, match=r"has external data, .*; export it into one file and pack it again"):
        opset(made)


@pytest.mark.parametrize(
    "spoil, reason",
    [
        pytest.param(add(node("evil")), "an operator of the domain evil; ai.onnx, com.microsoft are", id="a-domain"),
        pytest.param(add(node("com.microsoft.x")), "domain com.microsoft.x", id="a-longer-domain"),
        pytest.param(add(node("")), "", id="the-default-domain"),
        pytest.param(add(node("ai.onnx")), "", id="its-other-name"),
        pytest.param(add(node("ai.onnx.ml")), "domain ai.onnx.ml", id="machine-learning"),
        pytest.param(add(node("\n\x1b[2J")), r"domain \n\x1b[2J;", id="letters-for-a-terminal"),
        pytest.param(add(branch(graph(node("evil")))), "domain evil", id="in-a-subgraph"),
        pytest.param(define(function(node("evil"))), "domain evil", id="in-a-function"),
        pytest.param(define(function(domain="pkg")), "inline it with onnx.inliner", id="a-function's-own"),
        pytest.param(add(node("com.microsoft", "EPContext")), "the operator EPContext", id="a-compiled-graph"),
        pytest.param(add(node("com.microsoft", "PythonOp")), "the operator PythonOp", id="python"),
        pytest.param(lambda made: made.graph.sparse_initializer.add(), "a sparse tensor", id="a-sparse-initializer"),
        pytest.param(
            add(NodeProto(attribute=[AttributeProto(sparse_tensor=onnx.SparseTensorProto())])), "a sparse", id="sparse"
        ),
        pytest.param(lambda made: made.training_info.add(), "training_info", id="training"),
        pytest.param(lambda made: made.graph.initializer[0].segment.SetInParent(), "segments", id="segments"),
        pytest.param(lambda made: made.graph.Clear(), "", id="an-empty-graph"),
        pytest.param(lambda made: made.ClearField("graph"), "holds 0 graphs", id="no-graph"),
    ],
)
def test_what_a_graph_may_have(spoil: Spoil, reason: str) -> None:
    made = model()
    spoil(made)
    if not reason:
        assert opset(made) == 17
        return
    with pytest.raises(InvalidBundle) as refused:
        opset(made)
    assert reason in str(refused.value)


def test_more_domains_can_be_allowed() -> None:
    made = model()
    made.graph.node.append(node("ai.onnx.ml"))
    made.functions.append(function(domain="pkg"))
    assert opset(made, ("ai.onnx.ml", "pkg")) == 17


def test_two_graphs_in_one_model_are_refused() -> None:
    """protobuf would merge them."""
    data = model().SerializeToString() + ModelProto(graph=graph(node())).SerializeToString()
    with pytest.raises(InvalidBundle, match="2 graphs instead of one"):
        read_opset(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    "tail, reason",
    [
        pytest.param(b"\xda\x06\x00", "field 107 of ModelProto, which is unknown here", id="a-field-of-tomorrow"),
        pytest.param(b"\x38\x01", "field 7 of ModelProto has another type", id="a-number-for-the-graph"),
        pytest.param(b"\x3b\x3c", "an unknown wire type", id="a-group"),
        pytest.param(b"\x02\x00", "a field has no number", id="field-0"),
        pytest.param(b"\x12\x05abc", "a field runs past the end", id="cut-in-a-text"),
        pytest.param(b"\x0d\x00", "a field runs past the end", id="cut-in-a-number"),
        pytest.param(b"\x80" * 11, "a number is too long", id="a-long-number"),
    ],
)
def test_bytes_after_a_good_model(tail: bytes, reason: str) -> None:
    data = model().SerializeToString() + tail
    with pytest.raises(InvalidBundle) as refused:
        read_opset(io.BytesIO(data), len(data))
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param(b"\x7fELF" + bytes(60), "not an ONNX model", id="an-executable"),
        pytest.param(b"\x12\x06xxORTM" + model().SerializeToString(), "ONNX Runtime's own format", id="ort"),
    ],
)
def test_a_model_that_begins_as_another_file(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidBundle, match=reason):
        read_opset(io.BytesIO(data), len(data))


def test_deep_and_wide_models_are_refused_in_time() -> None:
    deep = graph(node())
    for _ in range(22):
        deep = graph(node(op="If", then_branch=deep))
    with pytest.raises(InvalidBundle, match="nest deeper"):
        opset(helper.make_model(deep))
    # 500,001 numbers that are not packed, two bytes each.
    tensor = b"\x08\x01" * 500_001
    data = _nested(7, _nested(5, tensor))
    with pytest.raises(InvalidBundle, match="more than 500000 fields"):
        read_opset(io.BytesIO(data), len(data))


def test_functions_that_are_inlined_are_taken() -> None:
    made = model()
    made.opset_import.add(domain="pkg", version=1)
    inner = helper.make_function("pkg", "F", ["x"], ["y"], [node()], [helper.make_opsetid("", 17)])
    made.functions.append(inner)
    made.graph.node.append(node("pkg", "F"))
    with pytest.raises(InvalidBundle):
        opset(made)
    assert opset(inliner.inline_local_functions(made)) == 17


@pytest.mark.parametrize("name", ALLOWED)
def test_every_field_of_onnx_is_allowed_or_refused_by_name(name: str) -> None:
    """A newer onnx has fields that somebody has to decide on."""
    numbers = {field.number for field in getattr(onnx, name).DESCRIPTOR.fields}
    decided = ALLOWED[name].keys() | {number for message, number in REFUSED if message == name}
    assert decided == numbers
    messages = {
        field.number: field.message_type.name
        for field in getattr(onnx, name).DESCRIPTOR.fields
        if field.message_type and set(_holds(field.message_type)) & {"TensorProto", "NodeProto"}
    }
    assert {number: kind for number, kind in ALLOWED[name].items() if number in messages} == {
        number: kind for number, kind in messages.items() if (name, number) not in REFUSED
    }


def test_the_default_domains() -> None:
    assert {"", "ai.onnx", "com.microsoft"} == DOMAINS


def _holds(descriptor: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of a message and of all messages inside."""
    name = str(descriptor.name)
    if name not in seen:
        yield name
        for field in descriptor.fields:
            if field.message_type:
                yield from _holds(field.message_type, seen | {name})


def _nested(number: int, content: bytes) -> bytes:
    length, size = b"", len(content)
    while size >= 0x80:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content
