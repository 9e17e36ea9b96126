"""The page with a TLS certificate: https, secure cookies, and unusable certificates."""

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from crampwatch.bus.address import BrokerAddress
from crampwatch.bus.endpoint import free_port
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.web.service import WebOptions, page_url, run
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lanes.patience import PATIENCE_S, ends_soon

NOBODY = BrokerAddress("127.0.0.1", 9)
TOKEN = "a-token-of-24-characters"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a certificate for this machine with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crampwatch test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "page.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


async def test_the_page_is_served_by_https_and_its_cookie_never_leaves_it(certificate: Path) -> None:
    port = free_port()
    options = WebOptions(NOBODY, port=port, access_token=TOKEN, certificate=certificate)
    stop = asyncio.Event()
    service = asyncio.create_task(run(options, stop=stop))
    url = page_url("127.0.0.1", port, scheme="https").rstrip("/")
    trust = ssl.create_default_context(cafile=str(certificate))
    browser = httpx.AsyncClient(base_url=url, verify=trust, headers={"Origin": url}, timeout=PATIENCE_S)
    async with browser, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                answer = await browser.post("/login", data={"token": TOKEN})
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("secure", "httponly", "samesite=strict"))
        assert (await browser.get("/api/v1/health")).status_code == 200
    stop.set()
    await ends_soon(service)


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
async def test_an_unusable_certificate_is_reported(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "page.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"page\.pem cannot be used.*--web-certificate"):
        await run(WebOptions(NOBODY, port=free_port(), certificate=path), stop=asyncio.Event())
