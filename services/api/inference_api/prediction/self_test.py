"""One prediction before a worker is ready, so that no client pays for the first one."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from inference_api.prediction import answers
from inference_api.prediction.dispatch import Dispatcher
from inference_api.prediction.uploads import Decoder
from inference_api.problems import Problem
from inference_api.routing.document import Routes

_SIDE = 512


async def run(decoder: Decoder, dispatcher: Dispatcher, routes: Routes, deadline: float) -> bool:
    """Whether stable answered before `deadline`, the event loop's time. No counter counts it."""
    # The image is made here, and the version may be for others.
    version = replace(routes.stable.version, inputs=None)
    routes = replace(routes, stable=replace(routes.stable, version=version))
    try:
        upload = decoder.upload([_image()])
        dispatched = await dispatcher.dispatch(upload, routes, None, deadline)
    except Problem:
        return False
    answers.body(dispatched.answers, 0, batch=False)
    upload.close()
    return True


def _image() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((_SIDE, _SIDE), np.uint8)).save(file, "JPEG")
    return file.getvalue()
