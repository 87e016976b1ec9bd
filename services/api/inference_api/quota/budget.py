"""What one client has left in this process."""

import math

from inference_api.access.clients import Quota
from inference_api.quota.bucket import WINDOW_SECONDS, Bucket
from inference_api.transport.triton import MAX_BATCH_SIZE

SLICES = 4  # of a minute's images, over all processes


def slice_images(images_per_minute: int, processes: float) -> float:
    """The most that one process spends between two settlements with the ledger; the largest batch at least."""
    return max(MAX_BATCH_SIZE, images_per_minute / (SLICES * processes))


class Budget:
    """One client's, counted in images. `processes`: how many share the quota, where each takes its share.

    Both buckets are paid by every image. The share decides while there is no ledger that answers; the slice, which the
    ledger gave last, while there is. So a ledger that comes and goes fills no bucket.
    """

    def __init__(self, quota: Quota, processes: int) -> None:
        self.quota, self._processes = quota, processes
        self._share = Bucket()
        self._central = Bucket()  # what the ledger said, moved on by what this process spent and by the time
        self._slice: float | None = None
        self.spent = 0  # not settled yet
        self.refused = 0
        self.in_flight = 0

    def change(self, quota: Quota) -> None:
        """Another quota. Levels of buckets and images in flight stay."""
        self.quota, self._slice = quota, None

    def wait_seconds(self, images: int, now: float, live: int | None) -> float:
        """How long until so many images are let in; 0: now. `live`: processes by the ledger; None: it is away."""
        per_minute = self.quota.images_per_minute
        if per_minute is None:
            return 0.0
        if not self._has_slice(live):
            return self._share.wait_seconds(self._cost_of_share(images, per_minute), now)
        if self._slice is not None and self._slice >= min(images, per_minute):
            return 0.0
        return max(self._central.wait_seconds(images * WINDOW_SECONDS / per_minute, now), 0.1)

    def take(self, images: int, now: float, live: int | None) -> None:
        """Spends so many images of the minute."""
        per_minute = self.quota.images_per_minute
        if per_minute is None:
            return
        before = self._share.full_at
        self._share.take(self._cost_of_share(images, per_minute), now)
        self._central.take(images * WINDOW_SECONDS / per_minute, now)
        self.spent += images
        if self._has_slice(live):
            # What a slice allowed above the share is not owed once the ledger is away: the share is empty, not less.
            self._share.full_at = max(before, min(self._share.full_at, now + WINDOW_SECONDS))
            self._slice = (self._slice or 0.0) - images

    def left(self, now: float, live: int | None) -> int:
        """Images that are left of the minute, or of this process' share of it."""
        per_minute = self.quota.images_per_minute or 0
        if self._has_slice(live):
            images = self._central.left_seconds(now) / WINDOW_SECONDS * per_minute
        else:
            images = self._share.left_seconds(now) / WINDOW_SECONDS * per_minute / self._processes
        return max(0, math.floor(images + 1e-6))

    def full_in_seconds(self, now: float, live: int | None) -> float:
        """Until the whole minute is there again."""
        bucket = self._central if self._has_slice(live) else self._share
        return max(0.0, bucket.full_at - now)

    def has_place(self, images: int, live: int | None) -> bool:
        """Whether so many images may be in flight besides those that are. A batch above the bound is let in alone."""
        most = self.quota.images_in_flight
        return most is None or self.in_flight == 0 or images <= self.free_places(live)

    def free_places(self, live: int | None) -> int:
        """How many images may be in flight here, besides those that are."""
        most = self.quota.images_in_flight or 0
        return max(0, math.ceil(most / (live or self._processes)) - self.in_flight)

    @property
    def has_rate(self) -> bool:
        """Whether its quota has images per minute, which the ledger counts."""
        return self.quota.images_per_minute is not None

    def needs_settling(self, live: int | None) -> bool:
        """Whether the ledger should be told of it, or has more for it."""
        per_minute = self.quota.images_per_minute
        if per_minute is None:
            return False
        full = min(per_minute, slice_images(per_minute, live or self._processes))
        return self.spent > 0 or self._slice is None or self._slice < full

    def settle(self, full_in_seconds: float, now: float, live: int) -> None:
        """The ledger knows all that was reported, and says when the client's minute is full again."""
        per_minute = self.quota.images_per_minute
        if per_minute is None:
            return
        self._central.full_at = now + full_in_seconds
        self._central.take(self.spent * WINDOW_SECONDS / per_minute, now)
        left = self._central.left_seconds(now) / WINDOW_SECONDS * per_minute
        self._slice = min(max(left, 0.0), slice_images(per_minute, live))

    def _has_slice(self, live: int | None) -> bool:
        return live is not None and self._slice is not None

    def _cost_of_share(self, images: int, per_minute: int) -> float:
        return images * WINDOW_SECONDS * self._processes / per_minute
