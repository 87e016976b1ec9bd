"""A certificate authority in a folder, for one control plane."""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USAGES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


class Authority:
    """Signs with a key that is never written; `certificate` is the file to trust. All it signs is good for `valid`."""

    def __init__(self, folder: Path, valid: timedelta = timedelta(days=1)) -> None:
        self._folder, self._key, self._name = folder, ec.generate_private_key(ec.SECP256R1()), _name("medinfer-ca")
        self._valid = valid
        self._issued: dict[tuple[str, ...], tuple[Path, Path]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / "ca.crt"
        builder = _builder(self._name, self._name, self._key.public_key(), valid)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        _write_certificate(builder.sign(self._key, hashes.SHA256()), self.certificate)

    def issue(self, user: str, groups: tuple[str, ...] = (), addresses: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """Files of certificate and key, the same for the same user. The API server reads user and groups from them.

        `addresses`: host names too.
        """
        subject = (user, *groups)
        if subject not in self._issued:
            self._issued[subject] = self._issue(user, groups, addresses)
        return self._issued[subject]

    def _issue(self, user: str, groups: tuple[str, ...], addresses: tuple[str, ...]) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(user, groups), self._name, key.public_key(), self._valid)
        builder = builder.add_extension(USAGES, critical=False)
        if addresses:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(_host, addresses)), critical=False)
        file = "-".join((user, *groups)).replace("/", "_").replace(":", "_")
        certificate, private = self._folder / f"{file}.crt", self._folder / f"{file}.key"
        _write_certificate(builder.sign(self._key, hashes.SHA256()), certificate)
        write_key(key, private)
        return certificate, private


def write_key(key: ec.EllipticCurvePrivateKey, path: Path) -> None:
    path.touch(mode=0o600)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))


def write_public_key(key: ec.EllipticCurvePrivateKey, path: Path) -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))


def _write_certificate(certificate: x509.Certificate, path: Path) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _name(user: str, groups: tuple[str, ...] = ()) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _host(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + valid)
