"""Wires the parts of one worker, by its settings."""

import asyncio
import logging
import os
import time
from functools import partial
from socket import gethostname

from medinfer_common.config_map_watch import ConfigMapWatch

from inference_api.access.access_file import AccessFile
from inference_api.access.authentication import Authentication
from inference_api.access.authenticator import Authenticator, ask
from inference_api.access.kept_keys import KeptKeys
from inference_api.audit.audit import Audit
from inference_api.audit.chain import Chain
from inference_api.audit.pseudonyms import Pseudonyms, read_key
from inference_api.audit.sink import FileSink, StdoutSink
from inference_api.audit.writer import Writer
from inference_api.prediction.admission import Admission
from inference_api.prediction.dispatch import Dispatcher
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.prediction.predict import Limits, Predict
from inference_api.prediction.shadow import Shadow
from inference_api.prediction.uploads import Decoder
from inference_api.process.measurements import Measurements
from inference_api.process.sampled_log import SampledLog
from inference_api.quota.ledger import RedisAddress, RedisLedger
from inference_api.quota.limiter import Limiter
from inference_api.quota.settling import Settling
from inference_api.routing.follower import Follower
from inference_api.routing.routes_source import RoutesFile, RoutesSource, WatchedRoutes
from inference_api.routing.traffic import Traffic
from inference_api.service import Service
from inference_api.settings import Settings
from inference_api.tracing.sampler import Sampler
from inference_api.tracing.tracer import Tracer
from inference_api.transport.agents import Agents
from inference_api.transport.proof_cache import ProofCache
from inference_api.transport.request_buffers import RequestBuffers
from inference_api.transport.resolver import Resolver
from inference_api.transport.triton import MAX_BATCH_SIZE, Triton

ROUTES_KEY = "routes.json"
ACCESS_KEY = "access.json"
USER_AGENT = "medinfer-api"
AUDIT_PAUSE_SECONDS = 0.2
REFUSALS_LOGGED = 10  # lines a second for each kind of problem

log = logging.getLogger(__name__)


def build(settings: Settings) -> Service:
    """Wires the parts of one worker. Nothing runs yet. Call it in the process that serves."""
    traffic, resolver = Traffic(settings.max_in_flight), Resolver()
    agents = Agents(settings.agent_port, resolver)
    triton = Triton(resolver, ProofCache(agents, _loop_time))
    memory = MemoryBudget(settings.memory_budget_bytes)
    limiter = Limiter(settings.max_pods * settings.workers, time.monotonic)
    reserve = settings.max_in_flight * settings.urgent_reserve_percent // 100
    admission = Admission(traffic, memory, limiter, reserve)
    decoder = Decoder(settings.max_pixels, settings.deadline_seconds / 2, memory, RequestBuffers())
    dispatcher = Dispatcher(triton, traffic.replicas, settings.deadline_seconds, _loop_time)
    shadow = Shadow(traffic, dispatcher, settings.deadline_seconds / 2)
    limits = Limits(settings.max_upload_bytes, settings.deadline_seconds, settings.log_requests)
    refusals = SampledLog(log, time.monotonic, lines=REFUSALS_LOGGED)
    measurements = Measurements()
    watch, audit, tracer = _make_watch(settings), _make_audit(settings, traffic), _make_tracer(settings, traffic)
    authenticator = _make_authenticator(settings)
    return Service(
        settings=settings,
        traffic=traffic,
        audit=audit,
        tracer=tracer,
        agents=agents,
        triton=triton,
        memory=memory,
        admission=admission,
        decoder=decoder,
        dispatcher=dispatcher,
        shadow=shadow,
        follower=Follower(
            traffic,
            _make_source(settings, watch),
            lambda routes: triton.any_ready(routes.replicas, routes.model, routes.stable.version.number),
            settings.replica_hosts,
        ),
        watch=watch,
        endpoints={
            path: Predict(
                limits, refusals, admission, traffic, decoder, dispatcher, shadow, max_images, measurements, audit
            )
            for path, max_images in (("/predict", 1), ("/predict/batch", MAX_BATCH_SIZE))
        },
        authentication=Authentication(authenticator, traffic, refusals),
        authenticator=authenticator,
        access_file=_make_access_file(settings, authenticator),
        settling=_make_settling(settings, limiter) if authenticator else None,
        measurements=measurements,
    )


def _make_audit(settings: Settings, traffic: Traffic) -> Audit | None:
    if settings.audit_mode == "off" or settings.audit_key_file is None:
        return None
    pseudonyms = Pseudonyms(read_key(settings.audit_key_file))
    lock = settings.runtime_dir and settings.runtime_dir / "audit.lock"
    sink = FileSink(settings.audit_file, time.monotonic) if settings.audit_file else StdoutSink(lock)
    chain = Chain(pseudonyms.chain_key, f"{gethostname()}-{os.urandom(6).hex()}")
    is_required = settings.audit_mode == "required"
    writer = Writer(sink, chain, traffic.note_audit, 0 if is_required else AUDIT_PAUSE_SECONDS)
    return Audit(pseudonyms, writer, time.time, is_required=is_required)


def _make_tracer(settings: Settings, traffic: Traffic) -> Tracer | None:
    if not settings.tracing_endpoint:
        return None
    # Only when configured: OpenTelemetry comes with them.
    from medinfer_common.tracing.exporter import Exporter

    from inference_api.tracing.spans import encode

    per_second = settings.tracing_max_per_second
    sampler = Sampler(settings.tracing_ratio, per_second, time.monotonic, lambda: traffic.note_traces("limited", 1))
    exporter = Exporter(
        settings.tracing_endpoint, encode, lambda result, traces: traffic.note_traces(result, len(traces))
    )
    return Tracer(sampler, exporter)


def _make_watch(settings: Settings) -> ConfigMapWatch | None:
    name, namespace = settings.routes_configmap, settings.namespace
    if not name:
        return None
    from medinfer_common.kube_api import read_changes  # only when configured: it takes half a second and 8 MB

    return ConfigMapWatch(name, ROUTES_KEY, lambda: read_changes(name, namespace, USER_AGENT))


def _make_source(settings: Settings, watch: ConfigMapWatch | None) -> RoutesSource:
    kept = settings.runtime_dir and settings.runtime_dir / ROUTES_KEY
    return WatchedRoutes(watch, settings.routes_file, kept) if watch else RoutesFile(settings.routes_file)


def _make_authenticator(settings: Settings) -> Authenticator | None:
    if settings.access_file is None:
        return None
    kept = KeptKeys(settings.runtime_dir, time.time) if settings.runtime_dir else None
    return Authenticator(time.time, fetch=partial(ask, ca_file=settings.ca_file), kept=kept)


def _make_access_file(settings: Settings, authenticator: Authenticator | None) -> AccessFile | None:
    if settings.access_file is None or authenticator is None:
        return None
    kept = settings.runtime_dir and settings.runtime_dir / ACCESS_KEY
    return AccessFile(authenticator, settings.access_file, kept)


def _make_settling(settings: Settings, limiter: Limiter) -> Settling | None:
    if not settings.redis_url:
        return None
    address = RedisAddress(
        settings.redis_url, settings.redis_password_file, settings.redis_ca_file, settings.redis_prefix
    )
    return Settling(limiter, RedisLedger(address, os.urandom(8).hex()), time.monotonic)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
