import pytest
from replica_agent.triton import parse_free_gpu_bytes

HEAD = "# TYPE nv_gpu_memory_total_bytes gauge\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("# TYPE nv_cpu_utilization gauge\nnv_cpu_utilization 0.5\n", None, id="no-gpu"),
        pytest.param(
            HEAD + 'nv_gpu_memory_total_bytes{gpu_uuid="a"} 80000\n'
            "# TYPE nv_gpu_memory_used_bytes gauge\n"
            'nv_gpu_memory_used_bytes{gpu_uuid="a"} 30000\n',
            50000,
            id="one-gpu",
        ),
        pytest.param(
            HEAD + 'nv_gpu_memory_total_bytes{gpu_uuid="a"} 80000\n'
            'nv_gpu_memory_total_bytes{gpu_uuid="b"} 40000\n'
            "# TYPE nv_gpu_memory_used_bytes gauge\n"
            'nv_gpu_memory_used_bytes{gpu_uuid="a"} 79000\n'
            'nv_gpu_memory_used_bytes{gpu_uuid="b"} 10000\n',
            1000,
            id="the-fullest-of-two",
        ),
    ],
)
def test_free_gpu_memory(text: str, expected: int | None) -> None:
    assert parse_free_gpu_bytes(text) == expected
