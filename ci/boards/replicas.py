"""The Triton replicas and their agents: what they hold, how busy they are."""

from ci.boards.board import Board, Row
from ci.boards.panel import Kind, Panel, Query, Unit
from ci.boards.queries import most, rate, selected, total

_CONTAINER = total("container_memory_working_set_bytes", "pod", 'container="triton"')
_STATE = "medinfer_agent_version_state"


def _per_request(microseconds: str) -> str:
    """The mean of one of Triton's durations for each request, in seconds."""
    requests = rate("nv_inference_request_success", "pod, version")
    return f"{rate(microseconds, 'pod, version')} / {requests} / 1e6"


_HELD = Row(
    "What they hold",
    (
        Panel(
            "State of each version",
            Unit.NUMBER,
            "A version serves patients only where it is Warm: loaded, its golden outputs matched, warmed up.",
            (
                Query(
                    f"{most(_STATE, 'pod, version, role, state')} == 1",
                    "{{pod}} {{version}} {{role}} {{state}}",
                ),
            ),
            ("MedinferReplicaNotWarm",),
            kind=Kind.STATES,
            width=24,
        ),
        Panel(
            "Signatures",
            Unit.NUMBER,
            "Replicas by what the signatures of their bundles show. Where enforced, refused is not loaded again.",
            (
                Query(
                    f"count by (version, result) ({selected('medinfer_agent_version_signature')} == 1)",
                    "{{version}} {{result}}",
                ),
            ),
        ),
        Panel(
            "Golden checks",
            Unit.NUMBER,
            "Checks of loaded versions against their golden outputs, in the last hour.",
            (Query(f"sum by (pod, result) (increase({selected('medinfer_agent_golden_checks_total')}[1h]))"),),
            ("MedinferReleaseFailed",),
        ),
        Panel(
            "Load and proof",
            Unit.SECONDS,
            "Mean time of loads, and of proofs with their warm-up, in the last 6 hours.",
            tuple(
                Query(
                    f"sum by (pod) (increase({selected(f'medinfer_agent_{what}_seconds_sum')}[6h])) / "
                    f"(sum by (pod) (increase({selected(f'medinfer_agent_{what}_seconds_count')}[6h])) > 0)",
                    f"{{{{pod}}}} {what}",
                )
                for what in ("load", "warmup")
            ),
        ),
        Panel(
            "Bundles fetched",
            Unit.BYTES_PER_SECOND,
            "Bytes of bundles that agents fetch.",
            (Query(rate("medinfer_agent_fetch_bytes_total", "pod"), "{{pod}}"),),
        ),
        Panel(
            "Restarts of Triton",
            Unit.NUMBER,
            "Times that Triton came back after it was gone, in the last hour.",
            (Query(f"sum by (pod) (increase({selected('medinfer_agent_triton_restarts_total')}[1h]))", "{{pod}}"),),
            ("MedinferTritonRestarts",),
        ),
        Panel(
            "Workers that do not ask it",
            Unit.NUMBER,
            "API workers that have excluded the replica.",
            (Query(total("inference_api_ejected_workers", "replica"), "{{replica}}"),),
            ("MedinferReplicaEjected",),
        ),
        Panel(
            "Memory",
            Unit.BYTES,
            "Of Triton's container, as the kubelet says; without it, the memory of its machine that is in use.",
            (
                Query(
                    f"{_CONTAINER} or {most('nv_cpu_memory_used_bytes', 'pod')}",
                    "{{pod}}",
                ),
            ),
        ),
    ),
)

_BUSY = Row(
    "How busy they are",
    (
        Panel(
            "Images in flight, as the API counts",
            Unit.NUMBER,
            "Images that each warm replica is asked of. The mean is the signal to scale by.",
            (
                Query(total("inference_api_replica_images_in_flight", "replica"), "{{replica}}"),
                Query(
                    f"sum ({selected('inference_api_replica_images_in_flight')}) / "
                    f"count (count by (replica) ({selected('inference_api_replica_images_in_flight')}))",
                    "mean of a warm replica",
                ),
            ),
            ("MedinferShedsLoad",),
        ),
        Panel(
            "Queue depth",
            Unit.NUMBER,
            "Requests that wait in Triton's queue.",
            (Query(total("nv_inference_pending_request_count", "pod, version"), "{{pod}} {{version}}"),),
            ("MedinferShedsLoad",),
        ),
        Panel(
            "Time in the queue",
            Unit.SECONDS,
            "Mean of a request in Triton's queue.",
            (Query(_per_request("nv_inference_queue_duration_us"), "{{pod}} {{version}}"),),
        ),
        Panel(
            "Compute time",
            Unit.SECONDS,
            "Mean of a request in the model, copies of inputs and outputs included.",
            (
                Query(_per_request("nv_inference_compute_infer_duration_us"), "{{pod}} {{version}} model"),
                Query(_per_request("nv_inference_compute_input_duration_us"), "{{pod}} {{version}} input"),
                Query(_per_request("nv_inference_compute_output_duration_us"), "{{pod}} {{version}} output"),
            ),
        ),
        Panel(
            "Whole time in Triton",
            Unit.SECONDS,
            "Mean of a request from its arrival at Triton to its answer.",
            (Query(_per_request("nv_inference_request_duration_us"), "{{pod}} {{version}}"),),
        ),
        Panel(
            "Batch size",
            Unit.NUMBER,
            "Mean number of images that one run of the model computes.",
            (
                Query(
                    f"{rate('nv_inference_count', 'pod, version')} / {rate('nv_inference_exec_count', 'pod, version')}",
                    "{{pod}} {{version}}",
                ),
            ),
        ),
        Panel(
            "Requests",
            Unit.REQUESTS_PER_SECOND,
            "Requests that Triton answered, warm-up and golden checks included.",
            (Query(rate("nv_inference_request_success", "pod, version"), "{{pod}} {{version}}"),),
        ),
        Panel(
            "Failures",
            Unit.REQUESTS_PER_SECOND,
            "Requests that Triton did not answer, by reason.",
            (Query(rate("nv_inference_request_failure", "pod, version, reason"), "{{pod}} {{version}} {{reason}}"),),
            ("MedinferRequestsFail",),
        ),
        Panel(
            "Processors",
            Unit.SHARE,
            "How busy the processors of its machine are, as Triton says.",
            (Query(most("nv_cpu_utilization", "pod"), "{{pod}}"),),
        ),
    ),
)

REPLICAS = Board(
    "replicas",
    "medinfer: replicas",
    "What each Triton replica holds, and how busy it is.",
    (_HELD, _BUSY),
)
