"""The bus over TLS, as to a broker of one's own on another machine."""

import asyncio
import datetime
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from crampwatch.app.stack.certificates import Certificates
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.client import Bus
from crampwatch.bus.embedded import BrokerListener, EmbeddedBroker, saved_address
from crampwatch.bus.roles import User
from crampwatch.protocol.errors import ConfigurationError, UnavailableError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lanes.brokers import Mosquitto
from lanes.patience import PATIENCE_S


def write_certificate(directory: Path) -> tuple[Path, Path]:
    """Write a certificate for localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "broker.crt", directory / "broker.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.fixture
async def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BrokerAddress]:
    certificate, key = write_certificate(tmp_path)
    broker = Mosquitto(tmp_path / "broker", f"certfile {certificate}\nkeyfile {key}\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    broker.address = BrokerAddress("localhost", broker.address.port, "tester", "secret", tls=True)
    await broker.start()
    yield broker.address
    await broker.stop()


async def test_messages_of_all_sizes_pass_encrypted(address: BrokerAddress) -> None:
    async with Bus(address, client_id="both") as bus, asyncio.timeout(PATIENCE_S):
        await bus.subscribe("a/b")
        for n in range(100):
            await bus.publish("a/b", bytes([n]) * n**2)
        for n in range(100):
            message = await bus.receive()
            message.ack()
            assert message.payload == bytes([n]) * n**2


# paho 2.2 leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_a_broker_whose_certificate_nobody_vouches_for_is_refused(
    address: BrokerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UnavailableError, match="certificate"):
        async with Bus(address, client_id="both", first_timeout_s=5):
            pass
    gc.collect()


@pytest.mark.filterwarnings("ignore:.*unclosed <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_the_embedded_broker_speaks_tls_to_those_who_trust_its_authority(tmp_path: Path) -> None:
    made = Certificates.for_names(("localhost",))
    for name, text in (("ca", made.authority), ("crt", made.certificate), ("key", made.key)):
        (tmp_path / name).write_text(text)
    user = User("phone", "reader", "a long password of its own")
    listener = BrokerListener(users=(user,), certificate=tmp_path / "crt", key=tmp_path / "key")
    async with EmbeddedBroker(tmp_path / "broker", listener=listener) as broker:
        own = saved_address(tmp_path / "broker", role="store")
        phone = BrokerAddress("localhost", broker.address.port, user.name, user.password, True, tmp_path / "ca")
        assert own is not None
        for address in (own, phone):
            async with Bus(address, client_id=f"c-{address.user}", first_timeout_s=PATIENCE_S) as bus:
                await bus.subscribe("crampwatch/v1/+/samples")
        strangers = (replace(phone, ca_file=None), replace(phone, host="127.0.0.1"), replace(phone, tls=False))
        for address in strangers:  # nobody vouches for it; it is made for another name; nothing is said in clear
            with pytest.raises(UnavailableError):
                async with Bus(address, client_id="stranger", first_timeout_s=1):
                    pass
    gc.collect()


async def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    address = BrokerAddress("localhost", 8883, tls=True, ca_file=tmp_path / "absent")
    with pytest.raises(ConfigurationError, match="--broker-ca"):
        async with Bus(address, client_id="c", first_timeout_s=1):
            pass
