"""Run by a Python that has torchvision: random 4-class ResNet50 weights and its logits for random images.

Writes resnet50.pth, state.npz and answers.npz (inputs FP32 [5, 3, 224, 224], logits FP32 [5, 4]) into a folder, and
checks that modelctl reads the .pth file back unchanged.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from modelctl import checkpoint_file
from torchvision.models import resnet50  # type: ignore[import-not-found]  # Debian's, not this environment's


def random_model() -> torch.nn.Module:
    torch.manual_seed(7)
    model = resnet50(weights=None, num_classes=4).eval()
    for module in model.modules():
        # Fresh statistics are 0 and 1, which would hide a mean and a variance that changed places.
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.0)
            module.bias.data.normal_(0, 0.1)
    return model


def main() -> None:
    folder = Path(sys.argv[1])
    model = random_model()
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    torch.save(model.state_dict(), folder / "resnet50.pth")
    np.savez(folder / "state.npz", **state)
    inputs = torch.rand(5, 3, 224, 224)
    with torch.no_grad():
        np.savez(folder / "answers.npz", inputs=inputs.numpy(), logits=model(inputs).numpy())
    read = checkpoint_file.read(folder / "resnet50.pth")
    assert all(np.array_equal(read[name], value) for name, value in state.items())


main()
