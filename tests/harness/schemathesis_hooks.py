"""For `schemathesis run`: `format: binary` is an image file. A schema cannot say that bytes are one."""

import schemathesis
from hypothesis import strategies as st

from tests.harness.hostile.files import read_files

schemathesis.openapi.format("binary", st.sampled_from(sorted(read_files().values())))
