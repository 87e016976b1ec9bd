"""Checks who asks before anything of the body is read."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from inference_api import problems, request_ids
from inference_api.access import clients
from inference_api.access.authenticator import Authenticator
from inference_api.problems import Problem
from inference_api.routing.traffic import Traffic

log = logging.getLogger(__name__)


class Authentication:
    """Passes on the requests of clients with `scope`, and puts the client in `scope["state"]["client"]`."""

    def __init__(self, endpoint: ASGIApp, authenticator: Authenticator, traffic: Traffic, scope: clients.Scope) -> None:
        self._endpoint = endpoint
        self._authenticator = authenticator
        self._traffic = traffic
        self._scope = scope

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            client = self._authenticator.authenticate(scope["headers"], self._scope)
        except Problem as problem:
            await self._refuse(problem, scope, receive, send)
            return
        scope.setdefault("state", {})[clients.STATE_KEY] = client
        await self._endpoint(scope, receive, send)

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_ids.of(scope)
        self._traffic.note_refusal(problem.kind)
        log.info(
            "request refused",
            extra={"request_id": request_id, "status": problem.status, "kind": problem.kind},
        )
        await problems.response(problem, request_id)(scope, receive, send)
