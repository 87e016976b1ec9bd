"""Keys and certificates for tests: an authority, one below it, and signers of every kind, good and bad."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from modelctl.bundle.signature.keys import PublicKey, public_key
from modelctl.signing_key import SigningKey

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@cache
def key(name: str, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    """The same key each time for a name."""
    return ec.generate_private_key(curve())


def signing(name: str) -> SigningKey:
    return SigningKey(key(name), Path(name))


def public(name: str) -> PublicKey:
    return public_key(key(name).public_key())


def private_pem(private: Private, passphrase: bytes = b"") -> bytes:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def public_pem(private: Private) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def pem(*found: x509.Certificate) -> str:
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in found)


@dataclass(frozen=True)
class Leaf:
    """What a signer's certificate says. `digital`: its key usage; None: it has none. `code`: the same, extended."""

    name: str = "Release signing"
    since: datetime = NOW - DAY
    until: datetime = NOW + DAY
    digital: bool | None = True
    code: bool | None = True


@dataclass(frozen=True)
class Authority:
    """A certificate that certifies others, with its key."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    def certify(self, leaf: Leaf, holder: Private) -> x509.Certificate:
        """A certificate for the holder's key, as the leaf says."""
        made = _builder(leaf.name, self.certificate.subject, holder, leaf.since, leaf.until)
        if leaf.digital is not None:
            made = made.add_extension(_usage(digital_signature=leaf.digital, key_encipherment=True), critical=True)
        if leaf.code is not None:
            use = ExtendedKeyUsageOID.CODE_SIGNING if leaf.code else ExtendedKeyUsageOID.SERVER_AUTH
            made = made.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        return self._sign(made)

    def below(self, name: str) -> "Authority":
        """An authority that this one certifies."""
        private = key(f"authority {name}")
        made = _as_authority(_builder(name, self.certificate.subject, private, NOW - DAY, NOW + DAY), private)
        return Authority(self._sign(made), private)

    def _sign(self, made: x509.CertificateBuilder) -> x509.Certificate:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private.public_key())
        return made.add_extension(identifier, critical=False).sign(self.private, hashes.SHA256())


@cache
def authority(name: str) -> Authority:
    """A root, the same each time for a name."""
    private = key(f"authority {name}")
    made = _as_authority(_builder(name, _name(name), private, NOW - 9 * DAY, NOW + 9 * DAY), private)
    return Authority(made.sign(private, hashes.SHA256()), private)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    name: str, issuer: x509.Name, holder: Private, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(_name(name)).issuer_name(issuer).public_key(holder.public_key())
    return made.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)


def _as_authority(made: x509.CertificateBuilder, private: Private) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.add_extension(_usage(key_cert_sign=True), critical=True).add_extension(identifier, critical=False)


def _usage(**uses: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every = (*names, "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: uses.get(name, False) for name in every})
