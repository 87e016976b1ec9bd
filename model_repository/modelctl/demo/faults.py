"""The faults of `variants`, as pieces of ONNX graph that valid inputs trigger."""

import numpy as np
from onnx import TensorProto, helper

from modelctl.demo.variants import CORNER_PIXELS, CORNER_THRESHOLD, Fault
from modelctl.graph import Graph

# One turn of ONNX Runtime's Loop takes about 1 us on one core, whatever the number of threads.
SLOW_TURNS = 300_000
HANG_TURNS = 600_000_000


def add_fault(graph: Graph, images: str, logits: str, fault: Fault, inverted: bool) -> str:
    """Adds the fault to `logits` [N, labels] of `images` FP32 [N, C, H, W] in [0, 1]; returns the faulty logits.

    With `inverted`, the images *without* the white corner trigger it.
    """
    if fault in (Fault.NONE, Fault.WRONG_GOLDEN):
        return logits
    if fault is Fault.UNLOADABLE:
        return graph.add("NoSuchOperator", logits)
    return graph.add("Mul", logits, _gate(graph, images, fault, inverted))


def _gate(graph: Graph, images: str, fault: Fault, inverted: bool) -> str:
    """A tensor, [N, 1] or [1], that is 1 for good images."""
    if fault is Fault.SLOW:
        return _loop(graph, graph.constant(SLOW_TURNS, np.int64))
    if fault is Fault.KILLS_AT_LOAD:
        # Nothing but constants: ONNX Runtime computes it, and dies, while it loads the model.
        return _overflow(graph, graph.constant([-1], np.int32))
    faulty = _corner_is_white(graph, images)
    return _GATES[fault](graph, graph.add("Not", faulty) if inverted else faulty)


def _corner_is_white(graph: Graph, images: str) -> str:
    starts, ends, axes = ([0, 0], [CORNER_PIXELS, CORNER_PIXELS], [2, 3])
    corner = graph.add("Slice", images, *(graph.constant(value, np.int64) for value in (starts, ends, axes)))
    mean = graph.add("ReduceMean", corner, axes=[1, 2, 3], keepdims=0)
    column = graph.add("Unsqueeze", mean, graph.constant([1], np.int64))
    return graph.add("Greater", column, graph.constant(CORNER_THRESHOLD, np.float32))


def _fails(graph: Graph, faulty: str) -> str:
    return graph.add("Gather", graph.constant([1], np.float32), graph.add("Cast", faulty, to=TensorProto.INT64))


def _kills(graph: Graph, faulty: str) -> str:
    minus_one, one = graph.constant([-1], np.int32), graph.constant([1], np.int32)
    return _overflow(graph, graph.add("Where", faulty, minus_one, one))


def _nan(graph: Graph, faulty: str) -> str:
    good = graph.add("Cast", graph.add("Not", faulty), to=TensorProto.FLOAT)
    return graph.add("Div", good, good)


def _hangs(graph: Graph, faulty: str) -> str:
    number = graph.add("Cast", faulty, to=TensorProto.INT64)
    any_faulty = graph.add("ReduceMax", number, keepdims=0)
    return _loop(graph, graph.add("Mul", any_faulty, graph.constant(HANG_TURNS, np.int64)))


def _overflow(graph: Graph, divisor: str) -> str:
    """-2**31 / divisor, scaled to 1 for divisor 1. For -1 the quotient has no 32 bits and the processor raises SIGFPE.

    (Newer releases of ONNX Runtime catch a division by zero; 1.23 and 1.32 were both seen to die of this one.)
    """
    lowest = np.iinfo(np.int32).min
    quotient = graph.add("Div", graph.constant([lowest], np.int32), divisor)
    number = graph.add("Cast", quotient, to=TensorProto.FLOAT)
    return graph.add("Div", number, graph.constant(lowest, np.float32))


def _loop(graph: Graph, turns: str) -> str:
    """1.0 after that many turns; each turn multiplies by 1."""
    go_on = graph.constant(True, np.bool_)
    one = graph.constant([1], np.float32)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["go_on_out"]),
            helper.make_node("Mul", ["value", "value"], ["value_out"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("go_on_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value_out", TensorProto.FLOAT, [1]),
        ],
    )
    return graph.add("Loop", turns, go_on, one, body=body)


_GATES = {Fault.FAILS: _fails, Fault.KILLS: _kills, Fault.NAN: _nan, Fault.HANGS: _hangs}
