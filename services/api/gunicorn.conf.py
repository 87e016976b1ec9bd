"""gunicorn's settings, from the same environment as the application's: MEDINFER_API_*, see docs/contracts.md."""
# ruff: noqa: E402  # how the modules are imported is set first

import gc
import os
import shutil
import tempfile
from pathlib import Path

# Nothing here multiplies matrices: numpy needs no threads for it, and starts faster without.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
gc.disable()  # imports leave next to no garbage, and looking for it takes an eighth of their time

import inference_api.main  # noqa: F401  # before the fork: workers share the modules and start in milliseconds
from inference_api.process import reports
from inference_api.process.scoreboard import FILE_NAME, Scoreboard
from inference_api.settings import PREFIX, InvalidSettings, read_settings
from medinfer_common import core_dumps, json_logs

gc.freeze()  # no later collection visits the modules, which would copy their pages into each worker
gc.enable()

core_dumps.switch_off()

try:
    settings = read_settings()
except InvalidSettings as error:
    raise SystemExit(f"inference-api: {error}") from None

bind = [settings.bind, settings.inner_bind]
workers = settings.workers
worker_class = "inference_api.process.worker.Worker"
keepalive = 75  # longer than clients and load balancers keep a connection idle: they close it, not we
timeout = 30
graceful_timeout = int(settings.drain_seconds) + 10
control_socket_disable = True
logconfig_dict = json_logs.config(
    "WARNING",
    dict.fromkeys(("inference_api", "medinfer_common", "gunicorn.error", "uvicorn.error"), "INFO"),
    stream="stderr" if settings.has_audit_on_stdout else "stdout",
)

_folder = settings.runtime_dir or Path(tempfile.mkdtemp(prefix="medinfer-api-"))
os.environ[f"{PREFIX}RUNTIME_DIR"] = str(_folder)


def on_starting(server):
    Scoreboard.create(_folder).close()


def child_exit(server, worker):
    with Scoreboard(_folder / FILE_NAME) as scoreboard:
        scoreboard.retire(worker.pid, reports.fold)


def on_exit(server):
    if settings.runtime_dir is None:
        shutil.rmtree(_folder, ignore_errors=True)
