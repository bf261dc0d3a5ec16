"""What is configured becomes what is meant."""

from datetime import timedelta
from pathlib import Path

import pytest

from dmarcscope import wiring
from dmarcscope.config.models import Settings
from dmarcscope.config.problems import checked
from dmarcscope.errors import SetupError
from dmarcscope.intake.account import Mechanism, Security
from dmarcscope.intake.tokens import CommandToken, OAuthTokens
from dmarcscope.model.after import After

STORE = Path("/store")
TEXT = """
[mailbox.plain]
server = "imaps://imap.example.org"
user = "dmarc@example.org"
password = { clear = "s3cret" }
folders = ["INBOX", "Reports/DMARC"]
after = "move"
move_to = "done"
unreadable_folder = "bad"
poll_every = "2m"
idle = false
authserv_ids = ["mx.example.org"]
[mailbox.starttls]
server = "imap://[2001:db8::1]:1143"
user = "u"
password = { clear = "p" }
after = "flag"
tls = { ca_file = "/ca.pem" }
[mailbox.bare]
server = "imap://127.0.0.1"
user = "u"
password = { clear = "p" }
tls = { insecure_plaintext = true }
[mailbox.google]
server = "imaps://imap.gmail.com"
user = "dmarc@example.org"
oauth = { provider = "google", client_id = "c", client_secret = { clear = "s" } }
[mailbox.microsoft]
server = "imaps://outlook.office365.com"
user = "dmarc@example.org"
oauth = { provider = "microsoft", tenant = "example.org", grant = "client_credentials", client_id = "c", client_secret = { clear = "s" } }
[mailbox.other]
server = "imaps://imap.example.net"
user = "u"
oauth = { mechanism = "oauthbearer", token_url = "https://t.example/token", client_id = "c", scope = ["imap"] }
[mailbox.command]
server = "imaps://imap.example.net"
user = "u"
oauth = { token = { command = ["printf", "abc"] } }
[folder.drop]
path = "/drop"
after = "delete"
poll_every = "30s"
"""


@pytest.fixture(scope="module")
def settings():
    made = checked(TEXT, Path("/somewhere/dmarcscope.toml"), {})
    assert isinstance(made, Settings), made
    return made


def test_a_mailbox_with_a_password(settings):
    made = wiring.named_mailbox(settings, "plain", STORE)
    account, rules = made.account, made.rules
    assert (account.host, account.port, account.security, account.mechanism) == ("imap.example.org", 993, Security.TLS, Mechanism.PASSWORD)
    assert account.password() == "s3cret"
    assert account.verify
    assert "s3cret" not in repr(made)
    assert (made.folders, made.poll_seconds, made.idle) == (("INBOX", "Reports/DMARC"), 120.0, False)
    assert (rules.after, rules.move_to, rules.unreadable_folder, rules.changes_mail) == (After.MOVE, "done", "bad", True)
    assert made.authserv_ids == ("mx.example.org",)
    assert made.account_name == "imap://dmarc%40example.org@imap.example.org"


@pytest.mark.parametrize(
    ("name", "security", "port", "why"),
    [("starttls", Security.STARTTLS, 1143, "imap:// is STARTTLS"), ("bare", Security.NONE, 143, "only if the operator insists")],
)
def test_how_the_connection_is_protected(settings, name, security, port, why):
    account = wiring.named_mailbox(settings, name, STORE).account
    assert (account.security, account.port) == (security, port), why


def test_where_access_tokens_come_from(settings):
    kinds = {name: type(wiring.named_mailbox(settings, name, STORE).account.tokens) for name in ("google", "microsoft", "other", "command")}
    assert kinds == {"google": OAuthTokens, "microsoft": OAuthTokens, "other": OAuthTokens, "command": CommandToken}
    assert wiring.named_mailbox(settings, "command", STORE).account.tokens.token() == "abc"
    google, microsoft, other = (wiring.oauth_client(settings.mailbox[name].oauth, "u") for name in ("google", "microsoft", "other"))
    assert google.scope == ("https://mail.google.com/",)
    assert (microsoft.grant, microsoft.scope) == ("client_credentials", ("https://outlook.office365.com/.default",))
    assert "example.org" in microsoft.token_url
    assert (other.token_url, other.scope, other.client_secret) == ("https://t.example/token", ("imap",), None)
    assert wiring.named_mailbox(settings, "other", STORE).account.mechanism is Mechanism.OAUTHBEARER
    assert wiring.token_memory(STORE, "google") == Path("/store/tokens/google.json")


def test_places_are_all_or_those_named(settings):
    assert {place.name for place in wiring.places(settings, [], STORE)} == {*settings.mailbox, "drop"}
    (drop,) = wiring.places(settings, ["drop"], STORE)
    assert (drop.path, drop.after, drop.poll_seconds) == (Path("/drop"), After.DELETE, 30.0)
    with pytest.raises(SetupError, match=r"no mailbox or folder 'nope'.*There are: drop"):
        wiring.places(settings, ["nope"], STORE)
    with pytest.raises(SetupError, match="config init"):
        wiring.named_mailbox(Settings(), "nope", STORE)


@pytest.mark.parametrize("name", ["plain", "command", "microsoft"])
def test_who_needs_no_login_in_a_browser_is_told(settings, name):
    with pytest.raises(SetupError, match="needs no login in a browser"):
        wiring.begin_login(settings, name, STORE)


URLS = [
    ("imaps://ann%40example.org@imap.example.org/Reports/DMARC", "ann@example.org", 993, Security.TLS, "Reports/DMARC", "all told"),
    ("imaps://ann@example.org@imap.example.org", "ann@example.org", 993, Security.TLS, "INBOX", "as people write it"),
    ("imap://ann@imap.example.org:1143/", "ann", 1143, Security.STARTTLS, "INBOX", "STARTTLS, a port, no folder"),
    ("imaps://ann@imap.example.org/Entw%C3%BCrfe", "ann", 993, Security.TLS, "Entwürfe", "RFC 5092 §3"),
]


@pytest.mark.parametrize(("url", "user", "port", "security", "folder", "why"), URLS)
def test_a_mailbox_by_its_address(url, user, port, security, folder, why, monkeypatch):
    monkeypatch.delenv(wiring.PASSWORD_VARIABLE, raising=False)
    made = wiring.mailbox_at(url, lambda question: f"asked: {question}")
    assert (made.account.user, made.account.port, made.account.security, made.folders) == (user, port, security, (folder,)), why
    assert made.account.password().startswith("asked: Password of ")
    monkeypatch.setenv(wiring.PASSWORD_VARIABLE, "from the environment")
    assert made.account.password() == "from the environment"
    assert made.rules.after is After.KEEP


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("imap.example.org", "no scheme"),
        ("https://ann@imap.example.org", "another scheme"),
        ("imaps://imap.example.org", "nobody named"),
        ("imaps://ann@", "no host"),
        ("imaps://ann@imap.example.org:port", "no port"),
        ("imaps://ann:hunter2@imap.example.org", "everyone on the machine would see the password"),
    ],
)
def test_addresses_that_are_refused(url, why):
    with pytest.raises(SetupError) as caught:
        wiring.mailbox_at(url, lambda _question: "")
    assert "hunter2" not in str(caught.value), why


MAIL = """
[groups]
brands = ["example.com", "example.net"]
[summary]
to = ["owner@example.com"]
from_address = "dmarc@example.com"
{about}
weekday = "tuesday"
hour = 6
time_zone = "Europe/Berlin"
{more}
[smtp]
host = "smtp.example.com"
security = "starttls"
user = "me"
password = {{ clear = "s3cret" }}
"""


def planned(about="", more=""):
    return wiring.mail_plan(checked(MAIL.format(about=about, more=more), Path("/dmarcscope.toml"), {}))


def test_mail():
    plan = planned('domains = ["example.com"]\ngroups = ["brands"]', 'grace = "24h"\nattach_page = false\nattach_json = true')
    assert [(one.what, one.domains) for one in plan.mailings] == [
        ("example.com", ("example.com",)),
        ("brands", ("example.com", "example.net")),
    ]
    assert {(one.sender, one.recipients, one.attach_page, one.attach_json) for one in plan.mailings} == {
        ("dmarc@example.com", ("owner@example.com",), False, True)
    }
    assert (plan.schedule.weekday, plan.schedule.hour, plan.schedule.zone.key, plan.schedule.grace) == (
        1,
        6,
        "Europe/Berlin",
        timedelta(days=1),
    )
    smtp = plan.carrier
    assert (smtp.host, smtp.port, smtp.security, smtp.user, smtp.password(), smtp.ca_file) == (
        "smtp.example.com", 587, Security.STARTTLS, "me", "s3cret", None,
    )  # fmt: skip
    assert planned(more="when_complete = false").schedule.grace is None
    assert [(one.what, one.domains) for one in planned().mailings] == [("all domains", None)]
    assert wiring.mail_plan(Settings()) is None
    with pytest.raises(SetupError, match="no mail server"):
        wiring.carrier(Settings())
