"""modelctl sign, and what verify asks about signatures."""

import argparse
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from modelctl.bundle.errors import BadSignature, InvalidKey

if TYPE_CHECKING:
    from modelctl.bundle.signature.signers import Signers

# cryptography is imported where it is used: the other commands need none.

_DESCRIPTION = """Checks the bundle and signs its digest, in the form of OpenSSF Model Signing 1.0, so that the public
tool model_signing verifies it, too. The signature is a small file; put it beside the bundle in the store."""
_EPILOG = """\
Make a key, and give the public half to those who trust it (signers.yaml of the agents):
  openssl ecparam -name prime256v1 -genkey -noout | openssl ec -aes256 -out signing.pem
  openssl ec -in signing.pem -pubout -out signing.pub"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command `sign` to modelctl's."""
    sign = commands.add_parser(
        "sign",
        help="sign a bundle with a key or a certificate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sign.add_argument("bundle", type=Path, help="a .tar file")
    sign.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="the private key in PEM: ECDSA on P-256, P-384 or P-521"
    )
    sign.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="the key's passphrase; default: you are asked"
    )
    sign.add_argument(
        "--certificates",
        type=Path,
        metavar="FILE",
        help="the signer's certificate in PEM, then those between it and the authority; default: the bare key signs",
    )
    sign.add_argument("--out", type=Path, metavar="FILE", help="default: BUNDLE.sig")
    sign.add_argument(
        "--operator-domain", action="append", default=[], metavar="DOMAIN", help="as for verify; may be repeated"
    )
    sign.set_defaults(run=_sign)


def add_to_verify(verify: argparse.ArgumentParser) -> None:
    """What verify is told about the signature; without any of it no signature is looked for."""
    trusted = verify.add_mutually_exclusive_group()
    trusted.add_argument("--key", type=Path, metavar="FILE", help="check the signature, with this public key in PEM")
    trusted.add_argument(
        "--signers", type=Path, metavar="FILE", help="check the signature, with the signers.yaml that agents have"
    )
    verify.add_argument("--signature", type=Path, metavar="FILE", help="the signature; default: BUNDLE.sig")


def verified_text(options: argparse.Namespace, digest: str, model: str) -> str:
    """What verify says about the signature; empty when nobody asked. Raises BadSignature, InvalidKey, OSError."""
    if options.key is None and options.signers is None:
        if options.signature is not None:
            raise InvalidKey("--signature needs --key or --signers, which say whom you trust")
        return ""
    from modelctl.bundle.signature.check import check

    trusted = _trusted(options)
    signature = _read_signature(options.signature or _signature_of(options.bundle))
    signed = check(signature, digest, model, trusted, datetime.now(UTC))
    until = f", certified until {signed.until:%Y-%m-%dT%H:%M:%SZ}" if signed.until else ""
    return f"signed by {signed}{until}"


def _read_signature(path: Path) -> bytes:
    from modelctl.bundle.signature.envelope import MAX_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise BadSignature(f"{path} does not exist; the bundle is not signed, or its signature is elsewhere") from None


def _trusted(options: argparse.Namespace) -> "Signers":
    from modelctl.bundle.signature.keys import parse_public_key
    from modelctl.bundle.signature.signers import Signer, Signers, parse_signers

    if options.signers is not None:
        return parse_signers(options.signers.read_bytes(), str(options.signers))
    try:
        key = parse_public_key(options.key.read_bytes())
    except InvalidKey as error:
        raise InvalidKey(f"{options.key} {error}") from None
    return Signers((Signer(options.key.name, keys=(key,)),), place=str(options.key))


def _sign(options: argparse.Namespace) -> None:
    from modelctl.bundle.signature import envelope, statement
    from modelctl.bundle.signature.envelope import Envelope
    from modelctl.bundle.verify import Wanted, file_digest, verify
    from modelctl.signing_key import read_signing_key

    digest = file_digest(options.bundle)
    verify(options.bundle, Wanted(digest, operator_domains=tuple(options.operator_domain)))
    passphrase = options.passphrase_file.read_bytes().strip() if options.passphrase_file else None
    key = read_signing_key(options.key, lambda: passphrase or _ask(options.key))
    chain = key.chain(options.certificates, datetime.now(UTC)) if options.certificates else ()
    payload = statement.build(digest, options.bundle.name)
    signature = key.sign(envelope.signed_bytes(payload))
    made = Envelope(payload, signature, "" if chain else key.public.fingerprint, chain)
    out = options.out or _signature_of(options.bundle)
    out.write_bytes(envelope.to_json(made))
    print(f"{out}  {digest} signed with key {key.public.fingerprint}; put it beside the bundle, as <address>.sig")


def _ask(path: Path) -> bytes:
    return getpass.getpass(f"Passphrase of {path}: ").encode()


def _signature_of(bundle: Path) -> Path:
    from modelctl.bundle.signature.check import SUFFIX

    return bundle.with_name(bundle.name + SUFFIX)
