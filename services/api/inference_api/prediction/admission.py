"""The bound on the images that one process works on at a time."""

from starlette.types import Receive, Scope, Send

from inference_api import problems, request_ids
from inference_api.prediction.predict import Predict
from inference_api.routing.traffic import Traffic


class Admission:
    """Passes a request on to its endpoint when there is room for it; else answers 503.

    A request takes as many places as it may have images, until it is answered.
    """

    def __init__(self, endpoint: Predict, traffic: Traffic) -> None:
        self._endpoint = endpoint
        self._traffic = traffic
        self._places = min(endpoint.max_images, traffic.max_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._traffic.admission(self._places) as admitted:
            if admitted:
                await self._endpoint(scope, receive, send)
                return
        await problems.response(problems.overloaded(), request_ids.of(scope))(scope, receive, send)
