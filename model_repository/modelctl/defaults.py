"""What a version gets when its folder does not say otherwise: labels, preprocessing and config.pbtxt."""

from importlib import resources
from pathlib import Path

from modelctl.bundle.manifest import Preprocessing

LABELS = ("Glioma", "Meningioma", "Pituitary", "No Tumor")
PREPROCESSING = Preprocessing("bicubic", 1 / 255, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), None)


def default_config() -> bytes:
    """resnet_medical/config.pbtxt: next to the package in the repository, inside it in a wheel."""
    packaged = resources.files("modelctl").joinpath("config.pbtxt")
    if packaged.is_file():
        return packaged.read_bytes()
    return (Path(__file__).parents[1] / "resnet_medical" / "config.pbtxt").read_bytes()
