"""From settings to objects: the one place that knows both what is configured and what is built from it."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from dmarcscope.config import models as settings
from dmarcscope.config.finding import find_config
from dmarcscope.config.loading import load
from dmarcscope.config.mailing import Weekday
from dmarcscope.config.oauth import Grant, OAuth, Provider
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.senders_file import senders_file
from dmarcscope.enrich.catalogue import load_catalogue
from dmarcscope.enrich.networks import open_networks, used_files
from dmarcscope.enrich.owner_list import read_list
from dmarcscope.errors import SetupError
from dmarcscope.intake.account import Account, Mechanism, Security
from dmarcscope.intake.login import Login, begin
from dmarcscope.intake.oauth import Grant as OAuthGrant
from dmarcscope.intake.oauth import OAuthClient, google, microsoft
from dmarcscope.intake.tokens import CommandToken, OAuthTokens
from dmarcscope.lookup.settings import DnsSettings
from dmarcscope.model.after import After
from dmarcscope.model.knowledge import Knowledge
from dmarcscope.ops.after import Rules
from dmarcscope.ops.deliver import Mailing
from dmarcscope.ops.folder import WatchedFolder
from dmarcscope.ops.mailbox import Mailbox
from dmarcscope.ops.mailing import ALL, MailPlan, Schedule, plan_of
from dmarcscope.outgoing.smtp import Smtp

PASSWORD_VARIABLE = "DMARCSCOPE_PASSWORD"
PORTS = {"imaps": 993, "imap": 143}
TOKENS = "tokens"


def token_memory(store: Path, name: str) -> Path:
    """Where the newest refresh token of a mailbox is remembered: in the store's folder, readable by its owner alone."""
    return store / TOKENS / f"{name}.json"


def mailbox(name: str, given: settings.Mailbox, store: Path) -> Mailbox:
    """A mailbox as it is configured; ``store`` is the folder of the store."""
    mechanism = Mechanism(given.oauth.mechanism.value) if given.oauth else Mechanism.PASSWORD
    return Mailbox(
        name=name,
        account=Account(
            user=given.user,
            host=given.server.host,
            port=given.server.port,
            security=given.security,
            mechanism=mechanism,
            password=given.password.secret(given.user).reveal if given.password else None,
            tokens=tokens(name, given, given.oauth, store) if given.oauth else None,
            ca_file=given.tls.ca_file,
            verify=not given.tls.insecure_no_verification,
        ),
        folders=tuple(given.folders),
        rules=Rules(given.after, given.move_to, given.flag, given.unreadable_folder),
        idle=given.idle,
        poll_seconds=given.poll_every.total_seconds(),
        authserv_ids=tuple(given.authserv_ids),
    )


def tokens(name: str, given: settings.Mailbox, oauth: OAuth, store: Path) -> CommandToken | OAuthTokens:
    """Where the access tokens of a mailbox come from."""
    if oauth.token:
        return CommandToken(oauth.token.secret(given.user).reveal, name=name)
    return OAuthTokens(
        oauth_client(oauth, given.user),
        name=name,
        memory=token_memory(store, name),
        refresh_token=revealing(oauth.refresh_token, given.user),
    )


def oauth_client(oauth: OAuth, user: str) -> OAuthClient:
    """The application that asks for tokens."""
    client_id, secret = oauth.client_id or "", revealing(oauth.client_secret, user)
    grant: OAuthGrant = "client_credentials" if oauth.grant is Grant.CLIENT_CREDENTIALS else "refresh_token"
    if oauth.provider is Provider.GOOGLE:
        client = google(client_id, secret)
    elif oauth.provider is Provider.MICROSOFT:
        client = microsoft(oauth.tenant, client_id, secret, grant=grant)
    else:
        client = OAuthClient(str(oauth.token_url), str(oauth.authorize_url or ""), client_id, secret, (), grant, oauth.ca_file)
    if oauth.scope is None:
        return client
    return replace(client, scope=tuple(oauth.scope))


def revealing(source: SecretSource | None, user: str) -> Callable[[], str] | None:
    """A function that gives a secret, None if there is none."""
    return source.secret(user).reveal if source else None


def watched_folder(name: str, given: settings.Folder) -> WatchedFolder:
    """A watched folder as it is configured."""
    return WatchedFolder(
        name=name,
        path=given.path,
        poll_seconds=given.poll_every.total_seconds(),
        after=After(given.after.value),
        move_to=given.move_to,
        authserv_ids=tuple(given.authserv_ids),
    )


def dns_settings(given: settings.Settings) -> DnsSettings:
    """How the DNS is asked, as it is configured."""
    dns = given.dns
    return DnsSettings(
        nameservers=tuple((server.host, server.port) for server in dns.nameservers),
        timeout=dns.timeout.total_seconds(),
        tries=dns.tries,
        concurrency=dns.concurrency,
        offline=dns.offline,
        zone_files=dns.zone_files,
    )


def named_mailbox(given: settings.Settings, name: str, store: Path) -> Mailbox:
    """The mailbox of that name. Raises SetupError if none is configured."""
    if name not in given.mailbox:
        known = f"There are: {', '.join(given.mailbox)}" if given.mailbox else "Write a configuration with: dmarcscope config init"
        raise SetupError(f"no mailbox {name!r} is configured", fix=known)
    return mailbox(name, given.mailbox[name], store)


def places(given: settings.Settings, names: Iterable[str], store: Path) -> list[Mailbox | WatchedFolder]:
    """The mailboxes and watched folders of those names; all that are configured if none is named. Raises SetupError for an unknown one."""
    known: dict[str, Callable[[], Mailbox | WatchedFolder]] = {
        **{name: partial(watched_folder, name, one) for name, one in given.folder.items()},
        **{name: partial(mailbox, name, one, store) for name, one in given.mailbox.items()},
    }
    wanted = list(names) or list(known)
    for name in wanted:
        if name not in known:
            there = f"There are: {', '.join(known)}" if known else "Write a configuration with: dmarcscope config init"
            raise SetupError(f"no mailbox or folder {name!r} is configured", fix=there)
    return [known[name]() for name in wanted]


def mailbox_at(url: str, ask_password: Callable[[str], str], *, ca_file: Path | None = None, verify: bool = True) -> Mailbox:
    """The mailbox of an IMAP URL (RFC 5092) such as ``imaps://user@imap.example.org/INBOX``.

    The password comes from the environment's DMARCSCOPE_PASSWORD, or is asked. Raises SetupError for what is no such URL.
    """
    example = "Write it as imaps://user@imap.example.org/INBOX (imap:// is STARTTLS)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SetupError("is no IMAP URL", where="--imap", fix=example) from error
    if parts.scheme not in PORTS or not parts.hostname or not parts.username:
        raise SetupError("is no IMAP URL with a user and a host", where="--imap", fix=example)
    if parts.password:
        raise SetupError(
            "a password in an address is seen by everyone on this machine", where="--imap", fix=f"Leave it out; set {PASSWORD_VARIABLE}"
        )
    user = unquote(parts.username)
    account = Account(
        user=user,
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        security=Security.TLS if parts.scheme == "imaps" else Security.STARTTLS,
        password=lambda: os.environ.get(PASSWORD_VARIABLE) or ask_password(f"Password of {user} at {parts.hostname}: "),
        ca_file=ca_file,
        verify=verify,
    )
    return Mailbox("imap", account, (unquote(parts.path.strip("/")) or "INBOX",))


def knowledge(config: Path | None = None, owner_list: Path | None = None) -> Knowledge:
    """What verdicts are made with: catalogue, owner's list and networks, as configured; ``owner_list`` goes before the configured one.

    Raises SetupError for a file that cannot be used. A list that is not there is an empty one.
    """
    file = config.expanduser() if config is not None else find_config()
    senders = load(file).senders if file is not None else settings.Senders()
    return Knowledge(
        catalogue=load_catalogue(senders.catalogue),
        owner=read_list(owner_list or senders_file(None, config)),
        networks=open_networks(used_files(senders.networks)),
    )


def carrier(given: settings.Settings) -> Smtp:
    """The mail server that takes what we send. Raises SetupError if none is configured."""
    smtp = given.smtp
    if smtp is None:
        raise SetupError("no mail server is configured", where="smtp", fix="Add a table [smtp] to the configuration")
    return Smtp(
        host=smtp.host,
        port=smtp.used_port,
        security=smtp.security,
        user=smtp.user,
        password=smtp.password.secret(smtp.user or "").reveal if smtp.password else None,
        ca_file=smtp.ca_file,
    )


def mail_plan(given: settings.Settings, config: Path | None = None) -> MailPlan | None:
    """What is mailed each week, and when; None where nothing is."""
    mail = given.summary
    if mail is None:
        return None
    about: dict[str, tuple[str, ...] | None] = {domain: (domain,) for domain in mail.domains or ()}
    about |= {group: given.groups[group] for group in mail.groups}
    mailings = [
        Mailing(what, domains, mail.from_address, mail.to, mail.attach_page, mail.attach_json)
        for what, domains in (about or {ALL: None}).items()
    ]
    grace = mail.grace if mail.when_complete else None
    schedule = Schedule(list(Weekday).index(mail.weekday), mail.hour, ZoneInfo(mail.time_zone), grace)
    return plan_of(mailings, schedule, carrier(given), partial(knowledge, config))


def begin_login(given: settings.Settings, name: str, store: Path, port: int = 0) -> Login:
    """Begin to log in to a mailbox in a browser. Raises SetupError for one that does not log in so."""
    named_mailbox(given, name, store)  # an unknown name gets its error
    one = given.mailbox[name]
    if one.oauth is None or one.oauth.token is not None or one.oauth.grant is Grant.CLIENT_CREDENTIALS:
        raise SetupError("needs no login in a browser", where=f"mailbox.{name}", fix=f"Try it with: dmarcscope mailbox test {name}")
    configured = revealing(one.oauth.refresh_token, one.user)
    return begin(oauth_client(one.oauth, one.user), token_memory(store, name), name=name, user=one.user, configured=configured, port=port)
