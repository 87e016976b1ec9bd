"""What patients get: answers, how fast, and who is refused."""

from inference_api.process.metrics import FAULTS

from ci.boards.board import Board, Row
from ci.boards.panel import Kind, Panel, Query, Unit
from ci.boards.queries import IN_NAMESPACE, mean, most, quantile, rate, total

ANY_FAULT = "|".join(FAULTS)
_REFUSED = f'inference_api_refused_total{{{IN_NAMESPACE}, kind=~"{ANY_FAULT}"}}'
_ANSWERED = f'inference_api_requests_total{{{IN_NAMESPACE}, outcome!="failed"}}'
_ALL = f"(sum (increase({_ANSWERED}[$__range])) + sum (increase({_REFUSED}[$__range])))"
_SHARE = f"sum (increase({_ANSWERED}[$__range])) / {_ALL}"
DURATION = "inference_api_request_duration_seconds"

_PROMISE = Row(
    "The promise",
    (
        Panel(
            "Answered",
            Unit.SHARE,
            "Share of the requests in this range that got a diagnosis. Requests that were wrong are not counted.",
            (Query(_SHARE),),
            ("MedinferAvailabilityBurnsFast", "MedinferAvailabilityBurnsSlowly"),
            kind=Kind.STAT,
            width=6,
        ),
        Panel(
            "Requests per second",
            Unit.REQUESTS_PER_SECOND,
            "Requests for which a version was chosen.",
            (Query(rate("inference_api_requests_total")),),
            kind=Kind.STAT,
            width=6,
        ),
        Panel(
            "p95",
            Unit.SECONDS,
            "95 % of the answers in this range were faster, from the last byte of the request.",
            (
                Query(
                    f"histogram_quantile(0.95, sum by (le) (increase({DURATION}_bucket{{{IN_NAMESPACE}}}[$__range])))"
                ),
            ),
            ("MedinferLatencyBurnsFast", "MedinferLatencyBurnsSlowly"),
            kind=Kind.STAT,
            width=6,
        ),
        Panel(
            "API pods that are scraped",
            Unit.NUMBER,
            "Nothing here: Prometheus reads no API pod, and the alerts on the promise are blind.",
            (Query(f"count (inference_api_workers{{{IN_NAMESPACE}}})"),),
            ("MedinferNotScraped",),
            kind=Kind.STAT,
            width=6,
        ),
    ),
    height=4,
)

_REQUESTS = Row(
    "Requests",
    (
        Panel(
            "Requests by version and outcome",
            Unit.REQUESTS_PER_SECOND,
            "By the version that was chosen. fallback and lost: stable answered instead. failed: no diagnosis.",
            (Query(rate("inference_api_requests_total", "version, outcome"), "{{version}} {{outcome}}"),),
            ("MedinferRequestsFail",),
        ),
        Panel(
            "Latency by version",
            Unit.SECONDS,
            "From the last byte of a request to its answer, of answers that the chosen version gave.",
            tuple(Query(quantile(q, DURATION, "version"), f"{{{{version}}}} p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
            ("MedinferLatencyBurnsFast",),
        ),
        Panel(
            "Time in each stage",
            Unit.SECONDS,
            "Mean of each stage: waiting to be decoded, decoding, asking replicas, writing the answer.",
            (Query(mean("inference_api_stage_duration_seconds", "stage"), "{{stage}}"),),
            stacked=True,
        ),
        Panel(
            "Slowest 1 % of each stage",
            Unit.SECONDS,
            "The 99th percentile of each stage.",
            (Query(quantile(0.99, "inference_api_stage_duration_seconds", "stage"), "{{stage}}"),),
        ),
        Panel(
            "Errors and refusals by kind",
            Unit.REQUESTS_PER_SECOND,
            "Requests that ended with a problem. The runbook explains each kind.",
            (Query(rate("inference_api_refused_total", "kind"), "{{kind}}"),),
            ("MedinferRequestsFail",),
        ),
        Panel(
            "Shed by what was full",
            Unit.REQUESTS_PER_SECOND,
            "Requests refused because something was full: places, readers, memory, a client's share.",
            (Query(rate("inference_api_shed_total", "full"), "{{full}}"),),
            ("MedinferShedsLoad",),
        ),
    ),
)

_CLIENTS = Row(
    "Clients",
    (
        Panel(
            "Requests by client",
            Unit.REQUESTS_PER_SECOND,
            "Requests that were let in. Empty where everybody may ask.",
            (Query(rate("inference_api_client_requests_total", "client"), "{{client}}"),),
        ),
        Panel(
            "Refused above a quota, by client",
            Unit.REQUESTS_PER_SECOND,
            "Empty where no client has a quota.",
            (Query(rate("inference_api_quota_refused_total", "client"), "{{client}}"),),
        ),
        Panel(
            "Access and limits",
            Unit.YES_NO,
            "Whether clients need keys, whether the newest access document is refused, whether Redis is missed.",
            (
                Query(most("inference_api_authentication_enabled", "namespace"), "keys are needed"),
                Query(most("inference_api_access_document_rejected", "namespace"), "document refused"),
                Query(most("inference_api_limiter_degraded", "namespace"), "without Redis"),
            ),
            ("MedinferAccessDocumentRejected", "MedinferLimiterDegraded"),
        ),
        Panel(
            "Age of issuers' keys",
            Unit.SECONDS,
            "Since an issuer of tokens told its signing keys. After 24 hours its tokens are refused.",
            (Query(most("inference_api_issuer_keys_age_seconds", "issuer"), "{{issuer}}"),),
            ("MedinferIssuerUnreachable",),
        ),
        Panel(
            "HTTP answers by path and status",
            Unit.REQUESTS_PER_SECOND,
            "Everything that the public port answered.",
            (Query(rate("http_requests_total", "handler, status"), "{{handler}} {{status}}"),),
        ),
        Panel(
            "HTTP duration by path",
            Unit.SECONDS,
            "Mean from a request's head to the end of its answer, uploading included.",
            (Query(mean("http_request_duration_seconds", "handler"), "{{handler}}"),),
        ),
    ),
)

_IMAGES = Row(
    "Images",
    (
        Panel(
            "Upload by format",
            Unit.BYTES_PER_SECOND,
            "Bytes of uploaded files, by the format that their first bytes show.",
            (Query(rate("inference_api_upload_bytes_total", "format"), "{{format}}"),),
        ),
        Panel(
            "Classes by version",
            Unit.SHARE,
            "Share of each class or finding in what a version answered. A jump means other images, or another scanner.",
            (
                Query(
                    f"{rate('inference_api_predictions_total', 'version, class')} / on (version) group_left () "
                    f"{rate('inference_api_predictions_total', 'version')}",
                    "{{version}} {{class}}",
                ),
            ),
            ("MedinferClassShareDrifts",),
        ),
        Panel(
            "Confidence by version",
            Unit.SHARE,
            "Half and a tenth of the answers were less sure than this.",
            tuple(
                Query(quantile(q, "inference_api_confidence", "version"), f"{{{{version}}}} {name}")
                for q, name in ((0.5, "half"), (0.1, "a tenth"))
            ),
            ("MedinferConfidenceDrifts",),
        ),
        Panel(
            "Audit lines",
            Unit.OPERATIONS_PER_SECOND,
            "Lines of the audit stream, by what became of them.",
            (Query(rate("inference_api_audit_lines_total", "result"), "{{result}}"),),
            ("MedinferAuditLinesLost",),
        ),
        Panel(
            "Traces",
            Unit.OPERATIONS_PER_SECOND,
            "Traces by what became of them. Dropped: the collector is away. Limited: not traced, there were too many.",
            (Query(rate("inference_api_traces_total", "result"), "{{result}}"),),
        ),
    ),
)

_PODS = Row(
    "API pods",
    (
        Panel(
            "Images and uploads",
            Unit.NUMBER,
            "Images that are worked on, and uploads that are being received.",
            (
                Query(total("inference_api_images_in_work"), "images in work"),
                Query(total("inference_api_readers"), "uploads"),
                Query(total("inference_api_workers"), "workers"),
            ),
        ),
        Panel(
            "Memory for images",
            Unit.BYTES,
            "What is taken of the memory budget by bodies and decoding.",
            (
                Query(total("inference_api_memory_used_bytes"), "used"),
                Query(total("inference_api_memory_budget_bytes"), "budget"),
            ),
        ),
        Panel(
            "Connections",
            Unit.NUMBER,
            "Open connections of clients.",
            (Query(total("inference_api_open_connections", "pod"), "{{pod}}"),),
        ),
        Panel(
            "Connections closed by a limit",
            Unit.OPERATIONS_PER_SECOND,
            "Closed without an answer, by reason. Empty until a limit closes one.",
            (Query(rate("inference_api_closed_connections_total", "reason"), "{{reason}}"),),
        ),
        Panel(
            "Lateness of the event loop",
            Unit.SECONDS,
            "All requests of a worker wait as long: the 99th percentile. Blocked: what is left without the time "
            "for which it waited for a CPU; where only lateness is high, the pods need more CPU.",
            (
                Query(quantile(0.99, "inference_api_event_loop_lateness_seconds", "pod"), "{{pod}}"),
                Query(quantile(0.99, "inference_api_event_loop_blocked_seconds", "pod"), "{{pod}} blocked"),
            ),
        ),
    ),
)

PATIENTS = Board(
    "patients",
    "medinfer: patients",
    "Which requests are answered, how fast, and who is refused.",
    (_PROMISE, _REQUESTS, _CLIENTS, _IMAGES, _PODS),
)
