"""A store in a folder, with bundles that are signed or not, and the list of signers."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from modelctl.bundle.signature import envelope, statement
from modelctl.bundle.signature.envelope import Envelope
from replica_agent.plan import Plan, Release, parse_plan
from replica_agent.settings import Verification
from replica_agent.store.rules import Rules
from replica_agent.verification.signature_files import SignatureFiles
from replica_agent.verification.signatures import Signatures
from replica_agent.verification.verifier import Verifier

from tests.unit.agent.bundles import bundle, release
from tests.unit.agent.plans import document
from tests.unit.modelctl.signature import pki

RULES = Rules(("file:/",))


@dataclass(frozen=True)
class Signed:
    """`folder` has the store and what an agent keeps."""

    folder: Path

    @property
    def signers_file(self) -> Path:
        return self.folder / "signers.yaml"

    @property
    def files(self) -> SignatureFiles:
        return SignatureFiles(self.folder / "signatures")

    def trust(self, *names: str) -> None:
        """From now on exactly these keys are trusted, each for every model."""
        entries = [{"name": name, "models": ["*"], "keys": [pki.public_pem(pki.key(name))]} for name in names]
        self.signers_file.write_text(json.dumps({"signers": entries}))

    def put(self, version: int) -> Release:
        """The bundle in the store, unsigned."""
        path = self.folder / f"{version}.tar"
        shutil.copyfile(bundle(version), path)
        return release(version).model_copy(update={"uri": path.as_uri()})

    def sign(self, version: int, name: str, as_version: int | None = None) -> bytes:
        """Puts a signature beside the bundle in the store, perhaps that of another bundle."""
        payload = statement.build(release(as_version or version).digest, "x.tar")
        key = pki.signing(name)
        content = envelope.to_json(Envelope(payload, key.sign(envelope.signed_bytes(payload)), key.public.fingerprint))
        (self.folder / f"{version}.tar.sig").write_bytes(content)
        return content

    def signatures(self, mode: Verification = Verification.ENFORCE, rules: Rules = RULES) -> Signatures:
        (self.folder / "staging").mkdir(exist_ok=True)
        verifier = Verifier(self.signers_file, self.files)
        return Signatures(verifier, self.folder / "staging", "triton-0", rules, mode is Verification.ENFORCE)


def plan_of(wanted: Release, **changes: object) -> Plan:
    return parse_plan(json.dumps(document(stable=wanted.model_dump(), **changes)).encode())
