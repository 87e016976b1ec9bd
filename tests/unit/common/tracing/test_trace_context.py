"""Which `traceparent` is believed; the cases are those of the W3C's own test suite."""

import pytest
from medinfer_common.tracing.trace_context import Parent, parent_of, traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"
FOUND = Parent(TRACE, int(SPAN, 16), is_sampled=True)


@pytest.mark.parametrize(
    ("value", "parent"),
    [
        pytest.param(VALID, FOUND, id="sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-00", FOUND._replace(is_sampled=False), id="not sampled"),
        pytest.param(f"00-{TRACE}-{SPAN}-03", FOUND, id="another flag, too"),
        pytest.param(f"00-{TRACE}-{SPAN}-02", FOUND._replace(is_sampled=False), id="only another flag"),
        pytest.param(f"01-{TRACE}-{SPAN}-01-more", FOUND, id="a later version with one more field"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", None, id="this version with one more field"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", None, id="no version"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", None, id="no trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", None, id="no span"),
        pytest.param(VALID.upper(), None, id="upper case"),
        pytest.param(f"00-{TRACE}-{SPAN}", None, id="no flags"),
        pytest.param(f"{VALID}\n", None, id="a line end"),
        pytest.param("John Doe 1950-01-01", None, id="a patient"),
        pytest.param("", None, id="empty"),
    ],
)
def test_value(value: str, parent: Parent | None) -> None:
    assert parent_of([(b"host", b"api"), (b"traceparent", value.encode())]) == parent


def test_without_a_header_or_with_two_there_is_no_parent() -> None:
    header = (b"traceparent", VALID.encode())
    assert parent_of([]) is None
    assert parent_of([header, header]) is None


def test_what_is_sent_can_be_read() -> None:
    assert parent_of([(b"traceparent", traceparent(TRACE, 7))]) == Parent(TRACE, 7, is_sampled=True)
