"""Who may open the page: host names, tokens, cookies."""

import pytest
from crampwatch.protocol.errors import ConfigurationError
from crampwatch.web.access.auth import HostRule, Login, is_loopback, require_login
from hypothesis import given
from hypothesis import strategies as st

TOKEN = "a-token-of-24-characters"


@pytest.mark.parametrize(("host", "expected"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
    ("0.0.0.0", False), ("192.168.1.4", False), ("::", False), ("bedroom.lan", False),
])  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("header", ["localhost", "localhost:8042", "127.0.0.1:8042", "[::1]:8042", "LOCALHOST:1"])
def test_our_own_names_are_answered(header: str) -> None:
    assert HostRule().allows(header)


@pytest.mark.parametrize("header", ["", "evil.example", "evil.example:8042", "127.0.0.1.evil.example", "192.168.1.4",
                                    "localhost.evil.example", "[", "::1:8042:", "2130706433"])  # fmt: skip
def test_a_rebound_name_is_not_answered(header: str) -> None:
    assert not HostRule().allows(header)


def test_with_a_login_other_machines_may_use_addresses_and_allowed_names() -> None:
    rule = HostRule(frozenset({"bedroom.lan"}), only_loopback=False)
    assert rule.allows("192.168.1.4:8042")
    assert rule.allows("Bedroom.lan:8042")
    assert not rule.allows("evil.example")


@pytest.mark.parametrize("token", [None, "", "short"])
def test_serving_other_machines_needs_a_token_and_the_error_says_how(token: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"0\.0\.0\.0.*token.*127\.0\.0\.1"):
        require_login("0.0.0.0", token)


def test_a_refused_token_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_login("0.0.0.0", "hunter2")
    assert "hunter2" not in str(caught.value)


def test_loopback_needs_no_login_but_may_have_one() -> None:
    assert require_login("127.0.0.1", None) is None
    assert require_login("127.0.0.1", TOKEN) is not None


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(Login(TOKEN))


def test_five_wrong_tokens_make_an_address_wait_a_minute() -> None:
    login = Login(TOKEN)
    assert not any(login.check_token("wrong", "a", now_s=second) for second in range(5))
    assert login.is_throttled("a", now_s=5)
    assert not login.check_token(TOKEN, "a", now_s=59)
    assert login.check_token(TOKEN, "b", now_s=59), "the guesser shuts nobody else out"
    assert login.check_token(TOKEN, "a", now_s=61)


def test_guessers_with_many_addresses_are_slowed_down_and_use_bounded_memory() -> None:
    login = Login(TOKEN)
    tries = [login.check_token("wrong", f"10.0.{n // 256}.{n % 256}", now_s=n / 100) for n in range(3000)]
    assert not any(tries)
    assert login.is_throttled("192.168.1.9", now_s=30)
    assert not login.is_throttled("192.168.1.9", now_s=30 + 61)
    assert len(login._peers) <= 256


def test_the_right_token_clears_earlier_failures() -> None:
    login = Login(TOKEN)
    for second in range(4):
        login.check_token("wrong", "a", now_s=second)
    assert login.check_token(TOKEN, "a", now_s=5)
    assert not login.check_token("wrong", "a", now_s=6)
    assert not login.is_throttled("a", now_s=7)


def test_a_cookie_survives_a_restart_and_expires() -> None:
    value, lasts_s = Login(TOKEN).issue_cookie(utc_s=1000)
    assert Login(TOKEN).is_valid_cookie(value, utc_s=1000 + lasts_s - 1)
    assert not Login(TOKEN).is_valid_cookie(value, utc_s=1000 + lasts_s)
    assert not Login("another-token-of-24-char").is_valid_cookie(value, utc_s=1000)


@given(st.text(max_size=120))
def test_a_forged_cookie_is_not_valid(cookie: str) -> None:
    assert not Login(TOKEN).is_valid_cookie(cookie, utc_s=0)


def test_a_cookie_cannot_be_extended() -> None:
    value, _ = Login(TOKEN).issue_cookie(utc_s=1000)
    expiry, signature = value.split(".")
    assert not Login(TOKEN).is_valid_cookie(f"{int(expiry) + 1}.{signature}", utc_s=1000)


@given(st.text(max_size=60))
def test_only_the_token_itself_is_accepted(token: str) -> None:
    assert Login(TOKEN).check_token(token, now_s=0) is (token.strip() == TOKEN)


def test_the_fifth_wrong_token_makes_an_address_wait() -> None:
    login = Login(TOKEN)
    for failures in range(5):
        assert not login.is_throttled("a", now_s=10), failures
        login.check_token("wrong", "a", now_s=10)
    assert login.is_throttled("a", now_s=69.9)
    assert not login.is_throttled("a", now_s=70)


def test_sixty_wrong_tokens_in_total_make_everyone_wait_a_minute() -> None:
    login = Login(TOKEN)
    for failures in range(60):
        assert not login.is_throttled("me", now_s=10), failures
        login.check_token("wrong", f"guesser {failures}", now_s=10)
    assert login.is_throttled("me", now_s=69.9)
    assert not login.is_throttled("me", now_s=70)


def test_failures_of_256_addresses_are_counted() -> None:
    login = Login(TOKEN)
    for number in range(257):
        for attempt in range(5):
            login.check_token("wrong", f"guesser {number}", now_s=number * 1000 + attempt)
    assert len(login._peers) == 256
    assert "guesser 0" not in login._peers
    assert "guesser 1" in login._peers


@pytest.mark.parametrize(("length", "is_long_enough"), [(15, False), (16, True)])
def test_a_token_has_sixteen_characters_or_more(length: int, is_long_enough: bool) -> None:
    if is_long_enough:
        assert require_login("0.0.0.0", "x" * length) is not None
    else:
        with pytest.raises(ConfigurationError, match="has only 15 characters; 16 or more are required"):
            require_login("0.0.0.0", "x" * length)


def test_a_cookie_lasts_thirty_days() -> None:
    assert Login(TOKEN).issue_cookie(utc_s=0)[1] == 30 * 86_400
