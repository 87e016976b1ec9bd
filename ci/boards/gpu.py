"""The GPUs, from NVIDIA's DCGM exporter, and from Triton where there is none."""

from ci.boards.board import Board, Row
from ci.boards.panel import Panel, Query, Unit
from ci.boards.queries import IN_NAMESPACE

# The exporter names the pod that holds a GPU in these labels; where it runs without Kubernetes it names none.
_HELD = f"{{{IN_NAMESPACE}}}"
_LEGEND = "{{UUID}}"


def _dcgm(metric: str, factor: str = "") -> str:
    return f"max by (UUID) ({metric}{_HELD}){factor}"


def _triton(metric: str, factor: str = "") -> str:
    renamed = f'label_replace({metric}{_HELD}, "UUID", "$1", "gpu_uuid", "(.*)")'
    return f"max by (UUID) ({renamed}){factor}"


def _either(dcgm: str, triton: str) -> tuple[Query, ...]:
    return (Query(f"{dcgm} or {triton}", _LEGEND),)


_MEBIBYTES = " * 1048576"

_WORK = Row(
    "Work",
    (
        Panel(
            "Use",
            Unit.SHARE,
            "Share of the time in which something ran on the GPU.",
            _either(_dcgm("DCGM_FI_DEV_GPU_UTIL", " / 100"), _triton("nv_gpu_utilization")),
        ),
        Panel(
            "Engines, also of MIG slices",
            Unit.SHARE,
            "Share of the time in which graphics or compute engines were active. Only DCGM knows it of MIG slices.",
            _either(
                "max by (UUID, GPU_I_ID) (DCGM_FI_PROF_GR_ENGINE_ACTIVE" + _HELD + ")", _triton("nv_gpu_utilization")
            ),
        ),
        Panel(
            "Tensor cores",
            Unit.SHARE,
            "Share of the time in which the tensor cores were active. Only DCGM knows it.",
            (Query(_dcgm("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"), _LEGEND),),
        ),
    ),
)

_REST = Row(
    "Memory, power and health",
    (
        Panel(
            "Memory used",
            Unit.BYTES,
            "Memory of the GPU that is in use. Loading a second version needs room beside the first.",
            _either(_dcgm("DCGM_FI_DEV_FB_USED", _MEBIBYTES), _triton("nv_gpu_memory_used_bytes")),
        ),
        Panel(
            "Memory free",
            Unit.BYTES,
            "Memory of the GPU that is free.",
            _either(
                _dcgm("DCGM_FI_DEV_FB_FREE", _MEBIBYTES),
                f"({_triton('nv_gpu_memory_total_bytes')} - {_triton('nv_gpu_memory_used_bytes')})",
            ),
        ),
        Panel(
            "Power",
            Unit.WATTS,
            "Power that the GPU draws.",
            _either(_dcgm("DCGM_FI_DEV_POWER_USAGE"), _triton("nv_gpu_power_usage")),
        ),
        Panel(
            "Temperature",
            Unit.CELSIUS,
            "Of the GPU. Only DCGM knows it.",
            (Query(_dcgm("DCGM_FI_DEV_GPU_TEMP"), _LEGEND),),
        ),
        Panel(
            "Newest XID error",
            Unit.NUMBER,
            "Number of the newest error that the driver reported, 0 for none. NVIDIA's documentation lists them.",
            (Query(_dcgm("DCGM_FI_DEV_XID_ERRORS"), _LEGEND),),
            ("MedinferTritonRestarts",),
        ),
    ),
)

GPU = Board("gpu", "medinfer: GPU", "The GPUs of the replicas, as DCGM or Triton reports them.", (_WORK, _REST))
