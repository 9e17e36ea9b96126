import pytest
from crampwatch.bus.address import BrokerAddress
from crampwatch.protocol.errors import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st

words = st.text(min_size=1, max_size=20)


@given(user=words, password=words, port=st.integers(1, 65535), tls=st.booleans())
def test_any_login_survives_the_url(user: str, password: str, port: int, tls: bool) -> None:
    address = BrokerAddress("home.lan", port, user, password, tls)
    assert BrokerAddress.parse(address.url) == address


def test_ports_follow_the_scheme() -> None:
    assert BrokerAddress.parse("mqtt://h").port == 1883
    assert BrokerAddress.parse("mqtts://h/").port == 8883


def test_ipv6() -> None:
    address = BrokerAddress.parse("mqtt://[::1]:1884")
    assert (address.host, address.url) == ("::1", "mqtt://[::1]:1884")


def test_the_password_is_shown_nowhere() -> None:
    address = BrokerAddress.parse("mqtt://me:geheim@h")
    assert "geheim" not in f"{address} {address!r}"


@pytest.mark.parametrize("text", ["", "h:1883", "http://h", "mqtt://", "mqtt://me:geheim@h:x", "mqtt://me:geheim@h/t"])
def test_what_is_no_broker_address_is_told_without_repeating_a_password(text: str) -> None:
    with pytest.raises(ConfigurationError, match="mqtt://") as met:
        BrokerAddress.parse(text)
    assert "geheim" not in str(met.value)
