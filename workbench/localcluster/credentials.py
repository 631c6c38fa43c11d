"""Certificates, tokens and kubeconfigs of one cluster: made anew at each start, good for thirty days."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = dt.timedelta(days=30)
SERVICE_IP = "10.96.0.1"
"""First address of the Service range: the API server's own."""
METRICS_SERVICE, METRICS_NAMESPACE = "local-metrics", "kube-system"
"""The Service of the metrics API; aggregation wants a certificate of `<service>.<namespace>.svc`."""
USERS = {
    "admin": ("local-admin", "system:masters"),
    "kwok": ("kwok", "system:masters"),
    "metrics": ("local-metrics", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
}
"""Who has a token: user name and group. Kubernetes' own bootstrap rules name the last two."""


@dataclass(frozen=True)
class Authority:
    """A certificate authority that lives as long as its cluster."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, name: str) -> Authority:
        """Makes one."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, name, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return cls(name, key, builder.sign(key, hashes.SHA256()))

    def issue(self, folder: Path, file: str, subject: str, names: Sequence[str] = ()) -> None:
        """Writes `file`.crt and `file`.key for a server or a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = (
            _builder(subject, self.name, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(uses, critical=False)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        _write(folder / f"{file}.crt", _pem(builder.sign(self.key, hashes.SHA256())))
        _write(folder / f"{file}.key", _private(key))


def make(folder: Path) -> None:
    """Writes all certificates and keys into a new folder that only its owner may read."""
    folder.mkdir(mode=0o700, parents=True)
    ca, front = Authority.new("ca"), Authority.new("front-ca")
    for authority in (ca, front):
        _write(folder / f"{authority.name}.crt", _pem(authority.certificate))
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    ca.issue(folder, "serving", "kube-apiserver", ["127.0.0.1", SERVICE_IP, "localhost", *service])
    ca.issue(folder, "metrics", METRICS_SERVICE, ["127.0.0.1", f"{METRICS_SERVICE}.{METRICS_NAMESPACE}.svc"])
    front.issue(folder, "front-proxy", "front-proxy-client")
    account = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "sa.key", _private(account))
    public = account.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(folder / "sa.pub", public)


def tokens() -> dict[str, str]:
    """A fresh token for each user."""
    return {name: secrets.token_hex(16) for name in USERS}


def token_file(tokens: dict[str, str]) -> str:
    """The API server's --token-auth-file."""
    lines = []
    for name, (user, group) in USERS.items():
        lines.append(f'{tokens[name]},{user},{name},"{group}"' if group else f"{tokens[name]},{user},{name}")
    return "\n".join(lines) + "\n"


def kubeconfig(server: str, ca: Path, user: str, token: str) -> str:
    """A kubeconfig of one user."""
    data = base64.b64encode(ca.read_bytes()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority-data": data}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))  # a laptop's clock may step back a little
        .not_valid_after(now + LIFETIME)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    # SEC 1 ("EC PRIVATE KEY"): the form that Kubernetes' service account signer has always read.
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
