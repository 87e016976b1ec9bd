"""Checks who asks before anything of the body is read."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from inference_api import problems, request_ids
from inference_api.access import clients
from inference_api.access.authenticator import Authenticator
from inference_api.problems import Problem
from inference_api.process.sampled_log import SampledLog
from inference_api.routing.traffic import Traffic
from inference_api.tracing import trace as traces


class Authentication:
    """Lets clients with a scope through, and puts the client in `scope["state"]["client"]`.

    Without an `authenticator` everybody may ask, and the state has no client.
    """

    def __init__(self, authenticator: Authenticator | None, traffic: Traffic, refusals: SampledLog) -> None:
        self._authenticator = authenticator
        self._traffic = traffic
        self._refusals = refusals

    def around(self, endpoint: ASGIApp, needed: clients.Scope) -> ASGIApp:
        """The endpoint, which only requests of clients with this scope reach."""
        if self._authenticator is None:
            return endpoint

        async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
            refusal = await self.refusal(scope, needed)
            await (refusal or endpoint)(scope, receive, send)

        return authenticated

    async def refusal(self, scope: Scope, needed: clients.Scope) -> Response | None:
        """What a request without the right gets; None: its client has the scope."""
        if self._authenticator is None:
            return None
        try:
            client = await self._authenticator.authenticate(scope["headers"], needed)
        except Problem as problem:
            return self._refuse(problem, scope)
        scope.setdefault("state", {})[clients.STATE_KEY] = client
        return None

    def _refuse(self, problem: Problem, scope: Scope) -> Response:
        self._traffic.note_refusal(problem.kind)
        request_id, trace = request_ids.of(scope), traces.of(scope)
        details = {"request_id": request_id, "status": problem.status, "kind": problem.kind, **traces.named(trace)}
        if trace is not None:
            trace.root.error = problem.kind
        self._refusals.write("request refused", details, problem.kind)
        return problems.response(problem, request_id)
