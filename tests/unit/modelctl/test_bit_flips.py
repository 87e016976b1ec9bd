"""A bundle whose bits changed on the way is refused, or unpacks to what was packed."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelctl.bundle.archive import MEMBERS
from modelctl.bundle.errors import DigestMismatch, InvalidBundle
from modelctl.bundle.unpack import unpack
from modelctl.bundle.verify import Wanted, file_digest

flips = st.lists(st.integers(0, 2**40), min_size=1, max_size=4)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=flips)
def test_a_flipped_bundle_is_refused_or_gives_the_same_files(
    bundle: Path, contents: dict[str, bytes], flips: list[int]
) -> None:
    data = bytearray(bundle.read_bytes())
    for flip in flips:
        bit = flip % (8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
    with tempfile.TemporaryDirectory() as folder:
        path, room = Path(folder, "b.tar"), Path(folder, "room")
        room.mkdir()
        path.write_bytes(data)
        if data != bundle.read_bytes():
            with pytest.raises(DigestMismatch):
                unpack(path, room / "1", Wanted(digest=file_digest(bundle)))
        try:
            unpack(path, room / "1")
        except InvalidBundle:
            assert list(room.iterdir()) == []
            return
        # model.json is the one file whose hash nothing inside the tar holds: the digest, kept outside, does.
        kept = [name for name in MEMBERS if name != "model.json"]
        assert {name: (room / "1" / name).read_bytes() for name in kept} == {name: contents[name] for name in kept}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.binary(max_size=4096), at=st.integers(0, 60_000), cut=st.booleans())
def test_junk_anywhere_raises_nothing_but_a_refusal(bundle: Path, junk: bytes, at: int, cut: bool) -> None:
    data = bundle.read_bytes()
    at %= len(data)
    changed = data[:at] + junk + (b"" if cut else data[at + len(junk) :])
    with tempfile.TemporaryDirectory() as folder:
        path, room = Path(folder, "b.tar"), Path(folder, "room")
        room.mkdir()
        path.write_bytes(changed)
        try:
            unpack(path, room / "1")
        except InvalidBundle:
            assert list(room.iterdir()) == []
