"""What the configuration says of mail: what is sent to whom, when, and through which server; every flaw is found on its line."""

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from dmarcscope.config.mailing import Weekday
from dmarcscope.config.models import Settings
from dmarcscope.config.notices import notices
from dmarcscope.config.problems import problems
from dmarcscope.config.shown import as_dict, rows
from dmarcscope.intake.account import Security

HERE = Path("/somewhere/dmarcscope.toml")
SMTP = '[smtp]\nhost = "SMTP.example.com"\n'  # lines 1 and 2
SUMMARY = '[summary]\nto = ["Owner@Example.com"]\nfrom_address = "dmarc@example.com"\n'  # lines 3 to 5
GOOD = SMTP + SUMMARY


def made(text):
    assert problems(text, HERE) == []
    return Settings.model_validate(tomllib.loads(text), context={"folder": HERE.parent})


def test_defaults():
    settings = made(GOOD)
    summary, smtp = settings.summary, settings.smtp
    assert (summary.to, summary.domains, summary.groups) == (("Owner@example.com",), None, ())
    assert (summary.weekday, summary.hour, summary.time_zone) == (Weekday.MONDAY, 7, "UTC")
    assert (summary.when_complete, summary.grace) == (True, timedelta(hours=72))
    assert (summary.attach_page, summary.attach_json) == (True, False)
    assert (smtp.host, smtp.security, smtp.used_port, smtp.user, smtp.password) == ("smtp.example.com", Security.TLS, 465, None, None)


PORTS = [("security = 'starttls'", 587), ("port = 2525", 2525), ("security = 'starttls'\nport = 25", 25)]


@pytest.mark.parametrize(("line", "port"), PORTS)
def test_ports(line, port):
    assert made(SMTP + line).smtp.used_port == port


def test_shown_without_the_password():
    settings = made(SMTP + 'user = "me"\npassword = { clear = "hunter2" }\n' + SUMMARY)
    assert as_dict(settings)["smtp"]["password"] == "in clear"
    assert as_dict(settings)["summary"]["grace"] == "72h"
    assert ("smtp.password", "in clear", "file") in list(rows(settings))
    assert "hunter2" not in f"{as_dict(settings)}{list(rows(settings))}{settings!r}"
    keyring = made(SMTP + 'user = "me"\npassword = { keyring = "mail" }\n')
    assert as_dict(keyring)["smtp"]["password"] == "keyring mail for me"


def test_warned_of(tmp_path):
    text = SMTP + 'user = "me"\npassword = { env = "NO_SUCH_VARIABLE" }\nca_file = "nowhere.pem"\n'
    found = notices(made(text), text, HERE)
    assert [(one.line, one.key) for one in found] == [(4, "smtp.password"), (5, "smtp.ca_file")]


WRONG = [
    (SUMMARY, 1, "summary", "needs a mail server", "through which?"),
    (SMTP + "[summary]\nto = ['a@example.com']", 3, "summary.from_address", "is missing", "from whom?"),
    (GOOD.replace('to = ["Owner@Example.com"]', ""), 3, "summary.to", "is missing", "to whom?"),
    (GOOD.replace('["Owner@Example.com"]', "[]"), 4, "summary.to", "Name at least one", "nobody"),
    (GOOD.replace('["Owner@Example.com"]', "'a@example.com'"), 4, "summary.to", "must be a list", "one text"),
    (GOOD.replace("Owner@Example.com", "Owner <a@example.com>"), 4, "summary.to", "is no mail address", "with a name"),
    (GOOD.replace("Owner@Example.com", "a@example.com, b@example.com"), 4, "summary.to", "is no mail address", "two in one"),
    (GOOD.replace("Owner@Example.com", "a@b@example.com"), 4, "summary.to", "is no mail address", "two signs"),
    (GOOD.replace("Owner@Example.com", "a@exam ple.com"), 4, "summary.to", "is no mail address", "a space"),
    (GOOD.replace("Owner@Example.com", "a\\r\\nBcc: b@example.com"), 4, "summary.to", "is no mail address", "would be a header"),
    (GOOD.replace("Owner@Example.com", "müller@example.com"), 4, "summary.to", "is no mail address", "needs SMTPUTF8"),
    (GOOD.replace("Owner@Example.com", "a@-.example"), 4, "summary.to", "is no host name", "no host"),
    (GOOD + "weekday = 'mon'", 6, "summary.weekday", "Did you mean monday?", "short"),
    (GOOD + "hour = 24", 6, "summary.hour", "is no whole number from 0 to 23", "no such hour"),
    (GOOD + "hour = '7'", 6, "summary.hour", "is no whole number", "a text"),
    (GOOD + "time_zone = 'Berlin'", 6, "summary.time_zone", "is no time zone", "no such zone"),
    (GOOD + "time_zone = '../../etc/passwd'", 6, "summary.time_zone", "is no time zone", "a path"),
    (GOOD + "grace = '1m'", 6, "summary.grace", "is too short", "a minute"),
    (GOOD + "grace = '145h'", 6, "summary.grace", "is too long", "beyond the next week's mail"),
    (GOOD + "grace = '1h'\nwhen_complete = false", 6, "summary.grace", "does not go with", "would do nothing"),
    (GOOD + "groups = ['brands']", 6, "summary.groups", "there is no such group", "not below [groups]"),
    (GOOD + "domains = []", 6, "summary.domains", "Name at least one", "none"),
    (SMTP + "user = 'x'", 3, "smtp.user", "goes only with password", "half a login"),
    (SMTP + "password = { env = 'P' }", 3, "smtp.password", "goes only with user", "the other half"),
    (SMTP + "password = 'hunter2'\nuser = 'x'", 3, "smtp.password", 'Write { env = "NAME" }', "the secret itself"),
    (SMTP + "security = 'none'", 3, "smtp.security", "for everyone on the way to read", "not this machine"),
    (SMTP + "security = 'ssl'", 3, "smtp.security", '"ssl" is not one of', "no such word"),
    (SMTP + "port = 0", 3, "smtp.port", "is no whole number from 1", "no port"),
    (SMTP + "port = '465'", 3, "smtp.port", "is no whole number", "a text"),
    ("[smtp]\nport = 25", 1, "smtp.host", "is missing", "where?"),
    ("[smtp]\nhost = 'smtp://x.example'", 2, "smtp.host", "is no host name", "an address"),
    ("[smtp]\nhost = '127.0.0.1'\nsecurity = 'none'\nca_file = 'x'", 4, "smtp.ca_file", "does not go with", "would do nothing"),
    ("[smtp]\nhost = 'x.example'\nhots = 'y'", 3, "smtp.hots", "Did you mean host?", "a slip of the pen"),
]


@pytest.mark.parametrize(("text", "line", "key", "words", "why"), WRONG, ids=[case[-1] for case in WRONG])
def test_every_flaw_is_told(text, line, key, words, why):
    found = problems(text, HERE)
    assert [(one.line, one.key) for one in found if words in str(one)] == [(line, key)], found
    assert "hunter2" not in str(found)


def test_a_server_on_this_machine_needs_no_tls():
    for host in ("127.0.0.1", "::1", "localhost"):
        assert made(f'[smtp]\nhost = "{host}"\nsecurity = "none"').smtp.used_port == 25
