"""What a client above its quota is told, in the words of draft-ietf-httpapi-ratelimit-headers-10."""

from inference_api.access.clients import Quota
from inference_api.problems import Problem

PER_MINUTE = "images-per-minute"
PLACES = "images-in-flight"


class QuotaExceeded(Problem):
    """429: `policy` is the one that the request would break. `fields`: RateLimit-Policy and RateLimit."""

    def __init__(self, policy: str, quota: Quota, retry_after_seconds: int, fields: tuple[str, str]) -> None:
        limit, what = (
            (quota.images_per_minute, "images in a minute")
            if policy == PER_MINUTE
            else (quota.images_in_flight, "images in flight")
        )
        detail = f"This client has a quota of {limit} {what}. Retry in {retry_after_seconds} s."
        headers = {
            "Retry-After": str(retry_after_seconds),
            "RateLimit-Policy": fields[0],
            "RateLimit": fields[1],
        }
        super().__init__(429, "quota-exceeded", detail, headers=headers)
        self.policy = policy

    def document(self, request_id: str) -> dict[str, object]:
        """With the draft's extension member."""
        return {**super().document(request_id), "violated-policies": [self.policy]}
