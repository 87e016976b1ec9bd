"""Whether a version is for a file, by what the file says of itself. No value of the file is told to anybody."""

import numpy as np
from PIL import Image

from inference_api import problems
from inference_api.imaging.dicom import attributes
from inference_api.imaging.dicom.parser import is_dicom
from inference_api.imaging.images import Picture
from inference_api.imaging.inputs import LISTS, Inputs

_GREY = ("MONOCHROME1", "MONOCHROME2")
_STRIP_ROWS = 256

# As DICOM's dictionary has them; looking them up would import pydicom for a JPEG, too.
_CALLED = {
    "modality": "Modality (0008,0060)",
    "photometricInterpretation": "Photometric Interpretation (0028,0004)",
    "bodyPart": "Body Part Examined (0018,0015)",
    "orientation": "orientation, which is Image Orientation Patient (0020,0037) or View Position (0018,5101),",
}


def check(data: bytes, picture: Picture, inputs: Inputs) -> None:
    """`picture` is what `data` was decoded to. Raises NotForThisModel, which names the attribute."""
    height, width = _size(picture)
    if height < inputs.smallest_size[0] or width < inputs.smallest_size[1]:
        least = " x ".join(map(str, inputs.smallest_size))
        raise problems.NotForThisModel(f"it is smaller than {least} pixels (height x width)")
    stated = attributes.read(data) if is_dicom(data) else _of_picture(picture, inputs.photometric_interpretation)
    for name, field in LISTS.items():
        _compare(name, stated.get(name, []), getattr(inputs, field), name in inputs.required)


def _compare(name: str, stated: list[str], accepted: tuple[str, ...], required: bool) -> None:
    if not accepted:
        return
    takes = f"the version takes {', '.join(accepted)}"
    if not stated and required:
        raise problems.NotForThisModel(f"it does not state its {_CALLED[name]}; {takes}")
    if any(value not in accepted for value in stated):
        raise problems.NotForThisModel(f"its {_CALLED[name]} is another one; {takes}")


def _of_picture(picture: Picture, accepted: tuple[str, ...]) -> dict[str, list[str]]:
    """A picture says whether it is in colour; a grey one that is stored as red, green, blue is grey, too."""
    content = picture.content
    is_colour = isinstance(content, Image.Image) and content.mode == "RGB"
    grey = [one for one in _GREY if one in accepted]
    if isinstance(content, Image.Image) and is_colour and accepted and "RGB" not in accepted:
        is_colour = not _is_grey(content)
    return {"photometricInterpretation": ["RGB"] if is_colour else grey[:1] or ["MONOCHROME2"]}


def _is_grey(image: Image.Image) -> bool:
    for top in range(0, image.height, _STRIP_ROWS):
        strip = np.asarray(image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height))))
        red = strip[..., 0]
        if not (np.array_equal(red, strip[..., 1]) and np.array_equal(red, strip[..., 2])):
            return False
    return True


def _size(picture: Picture) -> tuple[int, int]:
    content = picture.content
    if isinstance(content, Image.Image):
        return content.height, content.width
    height, width = content.samples.shape
    return height, width
