"""Run by a Python that has torch: how training programs save weights, and what modelctl makes of each.

Writes the checkpoints into a folder and prints a JSON object: name -> where the weights were found, or the refusal.
"""

import argparse
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from modelctl import checkpoint, checkpoint_file, state_dict
from modelctl.bundle.errors import InvalidCheckpoint

SHAPES = {"conv1.weight": (2, 3), "bn1.weight": (3,), "fc.weight": (4, 2), "fc.bias": (4,)}
STATE = {name: torch.full(shape, 1.5) for name, shape in SHAPES.items()}
HALF = {name: tensor.half() for name, tensor in STATE.items()}
BFLOAT = {name: tensor.bfloat16() for name, tensor in STATE.items()}


class Attack:
    """Its pickle would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in STATE.items()}


def write(folder: Path) -> dict[str, Path]:
    optimizer = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1, "params": [0]}]}
    lightning = {"epoch": 3, "pytorch-lightning_version": "2.1", "state_dict": prefixed("model."), "callbacks": {}}
    sparse = STATE | {"fc.weight": torch.ones(4, 2).to_sparse()}
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in STATE.items()}
    saved = {
        "plain.pth": STATE,
        "nested.pth.tar": {"epoch": 7, "best_acc1": 90, "state_dict": prefixed("module."), "optimizer": optimizer},
        "lightning.ckpt": lightning,
        "net.bin": {"net": HALF, "args": ["a"]},
        "bfloat16.pt": {"model": BFLOAT},
        "parameters.pth": parameters,
        "compiled.pth": prefixed("_orig_mod."),
        "double.pth": {name: tensor.double() for name, tensor in STATE.items()},
        "sequential-head.pth": {name.replace("fc.", "fc.1."): tensor for name, tensor in STATE.items()},
        "ema.pth": {"model": STATE, "model_ema": {name: tensor * 2 for name, tensor in STATE.items()}},
        "quantized.pth": STATE | {"fc.bias": torch.ones(4, dtype=torch.int8)},
        "sparse.pth": sparse,
        "namespace.pth": {"state_dict": STATE, "args": argparse.Namespace(lr=1)},
        "whole-model.pth": torch.nn.Linear(2, 2),
        "list.pth": list(STATE.values()),
        "float.pth": {"state_dict": STATE, "best_acc1": 0.9},
        "attack.pth": {"state_dict": STATE, "x": Attack(folder / "executed")},
    }
    for name, value in saved.items():
        torch.save(value, folder / name)
    torch.save(STATE, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    (folder / "pickle.pkl").write_bytes(pickle.dumps({name: tensor.numpy() for name, tensor in STATE.items()}))
    (folder / "attack.pkl").write_bytes(pickle.dumps(Attack(folder / "executed")))
    torch.jit.script(torch.nn.Linear(2, 2)).save(folder / "scripted.pt")
    (folder / "cut.pth").write_bytes((folder / "plain.pth").read_bytes()[:-100])
    (folder / "cut-legacy.pth").write_bytes((folder / "legacy.pth").read_bytes()[:-20])
    return {path.name: path for path in sorted(folder.iterdir())}


def verdict(path: Path) -> str:
    try:
        found = state_dict.find(checkpoint_file.read(path), list(SHAPES))
        weights = checkpoint.validate(found.tensors, SHAPES)
    except InvalidCheckpoint as error:
        return str(error)
    assert all(value.dtype == np.float32 and (value == 1.5).all() for value in weights.values())
    return f"taken: {found.origin}"


def main() -> None:
    print(json.dumps({name: verdict(path) for name, path in write(Path(sys.argv[1])).items()}))


main()
