"""The tensors of a model as config.pbtxt states them."""

from dataclasses import dataclass

from modelctl.bundle.config import Message
from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle

# A request to the API may bring so many images, which it sends as one batch.
LEAST_MAX_BATCH_SIZE = 16


@dataclass(frozen=True)
class Interface:
    """The one input and the one output of a model; sizes are without the batch axis."""

    input_name: str
    input_dims: tuple[int, ...]
    output_name: str
    output_dims: tuple[int, ...]


def interface(config: Message) -> Interface:
    """Reads the tensor names and sizes from a parsed config.pbtxt; raises InvalidBundle."""
    return Interface(*_tensor(config, "input"), *_tensor(config, "output"))


def of_contract(contract: Contract) -> Interface:
    """The tensors that a config.pbtxt must state."""
    taken, given = contract.input, contract.output
    return Interface(taken.name, taken.shape, given.name, (len(given.labels),))


def check_follows(config: Message, contract: Contract) -> None:
    """Raises InvalidBundle when Triton would take or give other tensors than the contract says."""
    found, wanted = interface(config), of_contract(contract)
    for which, is_, must in (
        ("input", (found.input_name, found.input_dims), (wanted.input_name, wanted.input_dims)),
        ("output", (found.output_name, found.output_dims), (wanted.output_name, wanted.output_dims)),
    ):
        if is_ != must:
            raise InvalidBundle(
                f"config.pbtxt has the {which} {_shown(*is_)}, the contract says {_shown(*must)}; write the contract's"
            )
        if config[which][0].get("data_type") != ["TYPE_FP32"]:
            raise InvalidBundle(f"config.pbtxt: {which} must have data_type: TYPE_FP32")
    sizes = config.get("max_batch_size", [])
    if len(sizes) != 1 or not isinstance(sizes[0], int) or sizes[0] < LEAST_MAX_BATCH_SIZE:
        raise InvalidBundle(
            f"config.pbtxt must hold max_batch_size: {LEAST_MAX_BATCH_SIZE} or more; a request may bring so many images"
        )


def _shown(name: str, dims: tuple[int, ...]) -> str:
    return f"{name} {list(dims)}"


def _tensor(config: Message, which: str) -> tuple[str, tuple[int, ...]]:
    tensors = config.get(which, [])
    if len(tensors) != 1 or not isinstance(tensors[0], dict):
        raise InvalidBundle(f"config.pbtxt must name exactly one {which}; this classifier has one")
    name, dims = tensors[0].get("name", []), tensors[0].get("dims", [])
    if len(name) != 1 or not all(isinstance(size, int) for size in dims):
        raise InvalidBundle(f"config.pbtxt: {which} must have a name and whole-number dims")
    return name[0], tuple(dims)
