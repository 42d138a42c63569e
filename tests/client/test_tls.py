"""Whom the client believes to be the server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clawtrail import Client, NotConfigured, Unreachable
from tests.client.conftest import QUICKLY, TOKEN
from tests.support.scripted_server import ScriptedServer, reply

STATS = {"queue": {"total": 1, "byStatus": {}}}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for loopback that nobody but its owner has signed, with its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a home server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return tmp_path / "certificate.pem"


@pytest.fixture
def server(certificate: Path) -> Iterator[ScriptedServer]:
    """A server that shows that certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with ScriptedServer(tls).running() as running:
        running.on("GET", "/tasks/stats", reply(200, STATS))
        yield running


def test_an_unknown_certificate_is_not_accepted(server: ScriptedServer) -> None:
    """A certificate that nobody vouches for ends the call before the token is sent."""
    with (
        Client(server.url, TOKEN, retrying=QUICKLY) as client,
        pytest.raises(Unreachable, match=r"TLS certificate is not accepted .*self.signed"),
    ):
        client.stats()
    assert not server.asked


def test_a_certificate_that_was_named_is_accepted(server: ScriptedServer, certificate: Path) -> None:
    """With ca_file, a server with a certificate of one's own is believed."""
    with Client(server.url, TOKEN, ca_file=certificate, retrying=QUICKLY) as client:
        assert client.stats().total == 1


def test_a_server_without_tls_is_told_apart() -> None:
    """A server that speaks plain http where https was asked for is told in words."""
    with ScriptedServer().running() as plain:
        url = plain.url.replace("http:", "https:")
        with (
            Client(url, TOKEN, retrying=QUICKLY) as client,
            pytest.raises(Unreachable, match="does not speak TLS"),
        ):
            client.stats()


def test_a_missing_file_of_certificates_is_told_at_once(tmp_path: Path) -> None:
    """A ca_file that is not there is a fault of the configuration."""
    with pytest.raises(NotConfigured, match="no file"):
        Client("https://127.0.0.1", TOKEN, ca_file=tmp_path / "absent.pem")
