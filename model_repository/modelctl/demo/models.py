"""The models that `modelctl demo` can make."""

from enum import StrEnum


class Model(StrEnum):
    """The first two have the tensors that resnet_medical/config.pbtxt names."""

    RESNET50 = "resnet50"
    TINY = "tiny"
    CHEST = "chest"

    @property
    def summary(self) -> str:
        """For a person who chooses one."""
        match self:
            case Model.RESNET50:
                return "the real network, made in about a minute"
            case Model.TINY:
                return "next to no inference, for tests"
            case Model.CHEST:
                return "findings on chest radiographs instead of classes, next to no inference"
