"""The summary by mail: the tables [summary] (what, to whom, when) and [smtp] (through which server)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field

from dmarcscope.config.fields import DomainList, FilePath, Grace, Host, Hour, MailAddress, MailAddresses, Names, Port, Text, TimeZone, YesNo
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.table import Flaw, Table, texts
from dmarcscope.intake.account import Security
from dmarcscope.outgoing.smtp import PORTS, is_loopback


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Smtp(Table):
    """The mail server that takes what we send."""

    host: Host = Field(description="The mail server that takes your mail.")
    port: Port | None = Field(default=None, description="Its port, if it is not 465 (`tls`), 587 (`starttls`) or 25 (`none`).")
    security: Security = Field(
        default=Security.TLS, description="TLS at once (`tls`), or by STARTTLS; `none` is for a server on this machine alone."
    )
    user: Text | None = Field(default=None, description="The user name to log in with; without it, nobody logs in.")
    password: SecretSource | None = Field(default=None, description="Where the password comes from; with, and only with, `user`.")
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the authorities that vouch for the server, in place of the system's."
    )

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """Both of a login; TLS to everywhere but this machine."""
        for key, other in (("user", "password"), ("password", "user")):
            if key in given and other not in given:
                yield Flaw(key, f"goes only with {other}", f"Add {other}, or leave {key} out")
        if given.get("security") == Security.NONE:
            if not is_loopback(str(given.get("host"))):
                yield Flaw("security", "would send mail and password for everyone on the way to read", 'Write "tls" or "starttls"')
            if "ca_file" in given:
                yield Flaw("ca_file", 'does not go with security = "none"', "Leave one of them out")

    @property
    def used_port(self) -> int:
        """The port, that of the kind of security where none is named."""
        return self.port or PORTS[self.security]


class SummaryMail(Table):
    """The summary that `watch` sends every week."""

    to: MailAddresses = Field(description='Who gets it: `["owner@example.com"]`.')
    from_address: MailAddress = Field(description="The address that it comes from; your mail server must be allowed to send for it.")
    domains: DomainList | None = Field(default=None, description="The domains, a mail about each.")
    groups: Names = Field(default=(), description="The groups of `[groups]`, a mail about each. Neither: one mail about all domains.")
    weekday: Weekday = Field(default=Weekday.MONDAY, description="The day after the end of the week on which it is sent.")
    hour: Hour = Field(default=7, description="The hour of that day, 0 to 23.")
    time_zone: TimeZone = Field(default="UTC", description="The time zone of day and hour, by its IANA name. (The week itself is in UTC.)")
    when_complete: YesNo = Field(default=True, description="Wait until the reports of the week are likely all here.")
    grace: Grace = Field(default=timedelta(hours=72), description="How long to wait for them at most, from 1h to 144h.")
    attach_page: YesNo = Field(default=True, description="Attach the page with all charts and tables.")
    attach_json: YesNo = Field(default=False, description="Attach the same content as JSON.")

    @classmethod
    def contradictions(cls, given: Mapping[str, Any], _folder: Path, /) -> Iterator[Flaw]:
        """What has a meaning only with something else."""
        if "grace" in given and given.get("when_complete") is False:
            yield Flaw("grace", "does not go with when_complete = false", "Leave one of them out")


def flaws_between(given: Mapping[str, Any]) -> Iterator[Flaw]:
    """What does not fit between these tables and the rest of the file."""
    summary = given.get("summary")
    if not isinstance(summary, dict):
        return
    if "smtp" not in given:
        yield Flaw("summary", "needs a mail server to send it", "Add a table [smtp]")
    groups = given.get("groups")
    for name in texts(summary, "groups"):
        if not isinstance(groups, dict) or name not in groups:
            yield Flaw("summary.groups", f"names {name:.64}, and there is no such group", "Write it below [groups]")
