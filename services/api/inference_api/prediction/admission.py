"""The bound on what one process works on: a request is let in when the places for its images are free."""

from starlette.types import Receive, Scope, Send

from inference_api import problems, request_ids
from inference_api.prediction.predict import Predict
from inference_api.routing.traffic import Traffic


class Admission:
    """Stands before an endpoint. A request takes as many places as it may have images, or is answered 503."""

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
