"""The configuration: every problem is found, on its line, in plain words, without a secret; and what is right means what it says."""

import re
import tomllib
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dmarcscope.config import finding
from dmarcscope.config.fields import Server
from dmarcscope.config.finding import find_config
from dmarcscope.config.lines import lines_of_keys
from dmarcscope.config.loading import load
from dmarcscope.config.models import SECRETS, SECTIONS, FileAfter, Mailbox, Settings, Tls
from dmarcscope.config.notices import notices
from dmarcscope.config.oauth import Grant, Mechanism, Provider
from dmarcscope.config.problems import problems
from dmarcscope.config.secret import SecretSource
from dmarcscope.config.shown import as_dict, rows
from dmarcscope.config.table import Table
from dmarcscope.errors import SetupError
from dmarcscope.intake.account import Security
from dmarcscope.model.after import After

HERE = Path("/somewhere/dmarcscope.toml")
BOX = '[mailbox.a]\nserver = "imaps://imap.example.org"\nuser = "me"\n'  # lines 1 to 3
PASSWORD = 'password = { env = "P" }\n'  # line 4
GOOD = BOX + PASSWORD
OAUTH = f'{BOX}[mailbox.a.oauth]\nclient_id = "i"\n'  # lines 4 and 5
FOLDER = '[folder.a]\npath = "in"\n'


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No configuration and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("DMARCSCOPE_CONFIG", "DMARCSCOPE_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(finding, "SYSTEM", tmp_path / "etc")


def made(text, path=HERE):
    """The settings that a text makes."""
    assert problems(text, path) == []
    return Settings.model_validate(tomllib.loads(text), context={"folder": path.parent})


def written(tmp_path, text, name="dmarcscope.toml"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


WRONG = [
    # text, line, key, words of what or fix, why
    ("stor = 'x'", 1, "stor", "Did you mean store?", "a slip of the pen"),
    ("zzz = 1", 1, "zzz", "Known here: store, mailbox, folder", "nothing is near"),
    ("store = 5", 1, "store", "must be a path, not 5", "a number"),
    ("store = ''", 1, "store", "names no file or folder", "empty"),
    ("mailbox = 5", 1, "mailbox", "must be a table", "no table"),
    ("[mailbox]\nserver = 'x'", 2, "mailbox.server", "write [mailbox.NAME] above", "the name is forgotten"),
    ("[mailboxes.a]\nuser = 'x'", 1, "mailboxes", "Did you mean mailbox?", "plural"),
    (f"{GOOD}[mailbox.'a b']\nuser = 'x'", 5, "mailbox.a b", "1 to 64 letters", "a name that cannot be typed"),
    (GOOD.replace("user", "usr"), 3, "mailbox.a.usr", "Did you mean user?", "a slip of the pen"),
    (GOOD.replace("user", "usr"), 1, "mailbox.a.user", "is missing", "told at the table's header"),
    (GOOD.replace('"me"', '""'), 3, "mailbox.a.user", "is empty", "empty"),
    (GOOD + "path = 'x'", 5, "mailbox.a.path", "It belongs in [folder.NAME]", "known elsewhere"),
    (GOOD + "[mailbox.a.tls]\nidle = true", 6, "mailbox.a.tls.idle", "It belongs in [mailbox.NAME]", "swallowed by the header above"),
    (GOOD + "tls = true", 5, "mailbox.a.tls", "Write [mailbox.a.tls] above its keys", "no table"),
    (GOOD + "idle = 'yes'", 5, "mailbox.a.idle", 'must be true or false, not "yes"', "a text"),
    (GOOD + "idle = 1", 5, "mailbox.a.idle", "must be true or false, not 1", "a number"),
    (GOOD + "folders = 'INBOX'", 5, "mailbox.a.folders", 'must be a list, not "INBOX"', "no list"),
    (GOOD + "folders = []", 5, "mailbox.a.folders", "Name at least one", "empty list"),
    (GOOD + "folders = ['']", 5, "mailbox.a.folders", "names no mail folder", "empty name"),
    (GOOD + 'folders = ["a\\n"]', 5, "mailbox.a.folders", "control characters", "would end the IMAP command"),
    (GOOD + "folders = ['INBOX', 'inbox']", 5, "mailbox.a.folders", "twice", "INBOX is one, however written"),
    (GOOD + "folders = [\n  'a',\n  5,\n]", 5, "mailbox.a.folders", "must be text, not 5", "a list over several lines begins there"),
    (GOOD + "after = 'mov'", 5, "mailbox.a.after", "Did you mean move?", "a slip of the pen"),
    (GOOD + "after = 'burn'", 5, "mailbox.a.after", '"burn" is not one of keep, move, flag, delete', "no such word"),
    (GOOD + "after = 'move'", 1, "mailbox.a.move_to", "is missing", "where to?"),
    (GOOD + "move_to = 'x'", 5, "mailbox.a.move_to", 'goes only with after = "move"', "would do nothing"),
    (GOOD + "after = 'move'\nmove_to = 'inbox'", 6, "mailbox.a.move_to", "would be read again", "round and round"),
    (GOOD + "unreadable_folder = 'INBOX'", 5, "mailbox.a.unreadable_folder", "would be read again", "round and round"),
    (GOOD + "flag = 'x'", 5, "mailbox.a.flag", 'goes only with after = "flag"', "would do nothing"),
    (GOOD + "after = 'flag'\nflag = '\\Seen'", 6, "mailbox.a.flag", "what people have read", "\\Seen belongs to people"),
    (GOOD + "after = 'flag'\nflag = '\\SEEN'", 6, "mailbox.a.flag", "what people have read", "flags have no case"),
    (GOOD + "after = 'flag'\nflag = '\\Deleted'", 6, "mailbox.a.flag", "is no flag that can be set", "would delete"),
    (GOOD + "after = 'flag'\nflag = 'a b'", 6, "mailbox.a.flag", "is no flag that can be set", "no atom"),
    (GOOD + "after = 'flag'\nflag = 'ä'", 6, "mailbox.a.flag", "is no flag that can be set", "no ASCII"),
    (GOOD + "poll_every = 5", 5, "mailbox.a.poll_every", "is no span of time", "no unit"),
    (GOOD + "poll_every = '5 minutes'", 5, "mailbox.a.poll_every", '"30s", "5m", "1h"', "no such unit"),
    (GOOD + "poll_every = '4s'", 5, "mailbox.a.poll_every", "is too short", "would be a nuisance to the server"),
    (GOOD + "poll_every = '25h'", 5, "mailbox.a.poll_every", "is too long", "reports come daily"),
    (GOOD + "authserv_ids = [' ']", 5, "mailbox.a.authserv_ids", "is no host name", "blank is not empty"),
    (GOOD + "authserv_ids = ['a b']", 5, "mailbox.a.authserv_ids", "is no host name", "a space"),
    (
        GOOD + "[mailbox.a.tls]\ninsecure_plaintext = true",
        6,
        "mailbox.a.tls.insecure_plaintext",
        "goes only with imap://",
        "contradicts imaps",
    ),
    (
        GOOD + "[mailbox.a.tls]\ninsecure_no_verification = true\nca_file = 'x'",
        6,
        "mailbox.a.tls.insecure_no_verification",
        "does not go with ca_file",
        "which of both?",
    ),
    (BOX, 1, "mailbox.a", "does not tell how to log in", "neither"),
    (GOOD + "oauth = { provider = 'google', client_id = 'x' }", 1, "mailbox.a", "both password and oauth", "which of both?"),
    (BOX + "password = 'hunter2'", 4, "mailbox.a.password", 'Write { env = "NAME" }', "the secret itself"),
    (BOX + "password = 22222", 4, "mailbox.a.password", 'Write { env = "NAME" }', "the secret itself, as a number"),
    (BOX + "password = {}", 4, "mailbox.a.password", "does not tell where", "nothing"),
    (BOX + "password = { env = 'A', file = 'b' }", 4, "mailbox.a.password", "2 places", "which of both?"),
    (
        BOX + "password = { env = 'hunter2!' }",
        4,
        "mailbox.a.password.env",
        "is no name of an environment variable",
        "the secret for its name",
    ),
    (BOX + "password = { clear = 22222 }", 4, "mailbox.a.password.clear", "must be text, not this", "never repeated"),
    (BOX + "password = { enve = 'A' }", 4, "mailbox.a.password.enve", "Did you mean env?", "a slip of the pen"),
    (BOX + "password = { command = 'pass show' }", 4, "mailbox.a.password.command", "must be a list", "no shell splits it"),
    (BOX + "password = { command = [] }", 4, "mailbox.a.password.command", "has no program", "no words"),
    (BOX + "password = { env = 'A', user = 'x' }", 4, "mailbox.a.password.user", "goes only with keyring", "would do nothing"),
    (BOX + "oauth = 'ya29.hunter2'", 4, "mailbox.a.oauth", "must be a table", "a token where a table is due"),
    (OAUTH, 4, "mailbox.a.oauth", "does not tell who gives the tokens", "neither provider nor token_url"),
    (OAUTH + "provider = 'gogle'", 6, "mailbox.a.oauth.provider", "Did you mean google?", "a slip of the pen"),
    (OAUTH + "provider = 'google'\ntoken_url = 'https://x.example'", 4, "mailbox.a.oauth", "names both", "which of both?"),
    (OAUTH + "token_url = 'http://x.example/'", 6, "mailbox.a.oauth.token_url", "unencrypted", "secrets go there"),
    (OAUTH + "token_url = 'https://u:hunter2@x.example/'", 6, "mailbox.a.oauth.token_url", "user name or password", "never repeated"),
    (OAUTH + "token_url = 'x.example'", 6, "mailbox.a.oauth.token_url", "has no scheme or no host", "no URL"),
    (
        OAUTH + "provider = 'google'\nauthorize_url = 'https://x.example'",
        7,
        "mailbox.a.oauth.authorize_url",
        "only with token_url",
        "known",
    ),
    (OAUTH + "provider = 'google'\ntenant = 'x'", 7, "mailbox.a.oauth.tenant", 'goes only with provider = "microsoft"', "Google has none"),
    (
        OAUTH.replace("client_id = 'i'", "").replace('client_id = "i"', 'provider = "google"'),
        4,
        "mailbox.a.oauth.client_id",
        "is missing",
        "who asks?",
    ),
    (OAUTH + "token = { env = 'T' }", 5, "mailbox.a.oauth.client_id", "does not go with token", "a ready token needs nothing"),
    (
        OAUTH + "provider = 'microsoft'\ngrant = 'client_credentials'\nclient_secret = { env = 'S' }",
        4,
        "mailbox.a.oauth.tenant",
        "must be named",
        "no tenant, no application of its own",
    ),
    (
        OAUTH + "provider = 'microsoft'\ntenant = 'common'\ngrant = 'client_credentials'",
        4,
        "mailbox.a.oauth.client_secret",
        "is missing",
        "an application shows who it is",
    ),
    (
        OAUTH
        + "provider = 'microsoft'\ntenant = 'x'\ngrant = 'client_credentials'\nclient_secret = { env = 'S' }\nrefresh_token = { env = 'T' }",
        10,
        "mailbox.a.oauth.refresh_token",
        "does not go with client_credentials",
        "would do nothing",
    ),
    (OAUTH + "provider = 'google'\ngrant = 'client_credentials'", 7, "mailbox.a.oauth.grant", "google gives no mailbox", "Google has none"),
    (
        OAUTH + "provider = 'google'\nclient_secret = 'hunter2'",
        7,
        "mailbox.a.oauth.client_secret",
        'Write { env = "NAME" }',
        "never repeated",
    ),
    (OAUTH + "provider = 'google'\nscope = 'mail'", 7, "mailbox.a.oauth.scope", "must be a list", "no list"),
    ("[folder.a]", 1, "folder.a.path", "is missing", "which folder?"),
    (FOLDER + "after = 'flag'", 3, "folder.a.after", '"flag" is not one of keep, move, delete', "files have no flags"),
    (FOLDER + "after = 'move'", 1, "folder.a.move_to", "is missing", "where to?"),
    (FOLDER + "move_to = 'x'", 3, "folder.a.move_to", "goes only with after", "would do nothing"),
    (FOLDER + "after = 'move'\nmove_to = 'in/done'", 4, "folder.a.move_to", "lies in the watched folder a", "round and round"),
    (
        FOLDER + "after = 'move'\nmove_to = '/somewhere/in'",
        4,
        "folder.a.move_to",
        "lies in the watched folder a",
        "the same, written otherwise",
    ),
    (
        FOLDER + "[folder.b]\npath = 'b'\nafter = 'move'\nmove_to = 'in'",
        6,
        "folder.b.move_to",
        "lies in the watched folder a",
        "by way of b",
    ),
    ("store = 'in/store'\n" + FOLDER, 3, "folder.a.path", "holds the store", "the spool would be read"),
    (FOLDER + "path2 = '~nobody-at-all/x'\n", 3, "folder.a.path2", "Did you mean path?", "a slip of the pen"),
    ("store = '~nobody-at-all/x'", 1, "store", "no such home folder", "nobody's home"),
    ("store = ", 1, "", "this is no TOML", "half a line"),
    ("a = 1\nstore = [\n", 3, "", "this is no TOML", "told at the end of the file"),
    ('store = "x"\nflag = "\\Seen"', 2, "", "single quotes", "a backslash in double quotes"),
    ("store = 'x'\nstore = 'y'", 2, "", "this is no TOML", "twice"),
    ("store = " + "9" * 5000, 1, "", "this is no TOML", "more digits than Python reads"),
    ("store = " + "[" * 5000, 1, "", "is nested too deeply", "deeper than Python reads"),
]


@pytest.mark.parametrize(("text", "line", "key", "said", "why"), WRONG)
def test_every_problem_is_told_in_its_place(text, line, key, said, why):
    found = [
        problem
        for problem in problems(text, HERE)
        if (problem.line, problem.key) == (line, key) and said in f"{problem.what}. {problem.fix}"
    ]
    assert found, (why, problems(text, HERE))


@pytest.mark.parametrize("text", [row[0] for row in WRONG])
def test_problems_are_in_plain_words(text):
    """Neither pydantic's words nor a secret; and each says what to do."""
    for problem in problems(text, HERE):
        assert problem.fix
        assert not re.search(r"[Ii]nput|pydantic|hunter2|22222|validat", str(problem))
        assert not str(problem).endswith(".")


SERVERS = [
    ("imaps://imap.example.org", Server("imaps", "imap.example.org", 993), "TLS at once"),
    ("imap://imap.example.org", Server("imap", "imap.example.org", 143), "STARTTLS"),
    ("imaps://IMAP.Example.ORG:1993/", Server("imaps", "imap.example.org", 1993), "case, a port and an idle slash"),
    ("imaps://[2001:db8::0:1]", Server("imaps", "2001:db8::1", 993), "IPv6, canonical"),
    ("imaps://192.0.2.1:99", Server("imaps", "192.0.2.1", 99), "IPv4"),
    ("imaps://bücher.example", Server("imaps", "xn--bcher-kva.example", 993), "IDNA"),
    ("imaps://mail", Server("imaps", "mail", 993), "a host of the local network"),
]


@pytest.mark.parametrize(("text", "server", "why"), SERVERS)
def test_servers(text, server, why):
    mailbox = made(GOOD.replace("imaps://imap.example.org", text)).mailbox["a"]
    assert mailbox.server == server, why
    assert made(GOOD.replace("imaps://imap.example.org", str(server))).mailbox["a"].server == server


BAD_SERVERS = [
    ("imap.example.org", "has no scheme or no host", "no scheme"),
    ("https://imap.example.org", "neither imaps:// nor imap://", "another scheme"),
    ("imaps://me:hunter2@imap.example.org", "more than scheme, host and port", "a password in a URL"),
    ("imaps://imap.example.org/INBOX", "more than scheme, host and port", "a folder"),
    ("imaps://imap.example.org?x", "more than scheme, host and port", "a query"),
    ("imaps://imap.example.org:0", "no port 0", "port 0"),
    ("imaps://imap.example.org:70000", "cannot be read", "no such port"),
    ("imaps://imap.example.org:x", "cannot be read", "no number"),
    ("imaps://[::1", "cannot be read", "half a bracket"),
    ("imaps://", "no host", "no host"),
    ("imaps://a b", "spaces", "a space"),
    ("imaps://-a.example", "is no host name", "no label"),
    ("imaps://a..example", "is no host name", "an empty label"),
    ("imaps://\u2603\ufe0f\u200d.example", "is no host name", "no IDNA"),
]


@pytest.mark.parametrize(("text", "said", "why"), BAD_SERVERS)
def test_servers_that_are_none(text, said, why):
    (problem,) = problems(GOOD.replace("imaps://imap.example.org", text), HERE)
    assert (problem.line, problem.key) == (2, "mailbox.a.server")
    assert said in problem.what, why
    assert "imaps://imap.example.org" in problem.fix or "host name" in problem.fix
    assert "hunter2" not in str(problem)


def test_defaults():
    box = made(GOOD).mailbox["a"]
    assert box.folders == ("INBOX",)
    assert (box.after, box.flag, box.move_to, box.unreadable_folder) == (After.KEEP, "$DMARCStored", None, None)
    assert (box.idle, box.poll_every, box.authserv_ids) == (True, timedelta(minutes=5), ())
    assert (box.tls, box.security, box.oauth) == (Tls(), Security.TLS, None)
    folder = made(FOLDER).folder["a"]
    assert (folder.path, folder.poll_every, folder.after) == (Path("/somewhere/in"), timedelta(seconds=10), FileAfter.KEEP)
    assert Settings().store == Path("dmarcscope-store")


SECURITY = [
    ("imaps", "", Security.TLS, "at once"),
    ("imap", "", Security.STARTTLS, "before anything is said"),
    ("imap", "[mailbox.a.tls]\ninsecure_plaintext = true", Security.NONE, "only for those who insist"),
    ("imap", "[mailbox.a.tls]\ninsecure_plaintext = false", Security.STARTTLS, "who does not insist"),
]


@pytest.mark.parametrize(("scheme", "tls", "security", "why"), SECURITY)
def test_how_the_way_is_guarded(scheme, tls, security, why):
    assert made(GOOD.replace("imaps", scheme) + tls).mailbox["a"].security is security, why


OAUTHS = [
    ("provider = 'google'", Provider.GOOGLE, Grant.REFRESH_TOKEN, "login gets the refresh token"),
    ("provider = 'microsoft'\ntenant = 'organizations'", Provider.MICROSOFT, Grant.REFRESH_TOKEN, "any tenant"),
    (
        "provider = 'microsoft'\ntenant = 'example.org'\ngrant = 'client_credentials'\nclient_secret = { env = 'S' }",
        Provider.MICROSOFT,
        Grant.CLIENT_CREDENTIALS,
        "an application of its own",
    ),
    (
        "token_url = 'https://127.0.0.1:8080/token'\nauthorize_url = 'https://x.example/'\nca_file = 'ca.pem'",
        None,
        Grant.REFRESH_TOKEN,
        "local",
    ),
    ("token_url = 'https://[::1]:8080/token'\nscope = ['imap']", None, Grant.REFRESH_TOKEN, "local"),
]


@pytest.mark.parametrize(("text", "provider", "grant", "why"), OAUTHS)
def test_oauth(text, provider, grant, why):
    oauth = made(OAUTH + text).mailbox["a"].oauth
    assert (oauth.provider, oauth.grant, oauth.mechanism) == (provider, grant, Mechanism.XOAUTH2), why


def test_secrets_know_their_user_and_place():
    box = made(f"{BOX}password = {{ keyring = 'dmarcscope' }}").mailbox["a"]
    assert dict(box.secrets())["password"].described() == "keyring dmarcscope for me"
    box = made(f"{BOX}password = {{ keyring = 'dmarcscope', user = 'you' }}").mailbox["a"]
    assert dict(box.secrets())["password"].described() == "keyring dmarcscope for you"
    box = made(f"{BOX}[mailbox.a.oauth]\ntoken = {{ command = ['./token', 'x'] }}").mailbox["a"]
    assert dict(box.secrets())["oauth.token"].command == ("/somewhere/token", "x")
    box = made(f"{BOX}password = {{ clear = 'hunter2' }}").mailbox["a"]
    assert dict(box.secrets())["password"].reveal() == "hunter2"
    assert "hunter2" not in repr(box)


PATHS = [
    ("x", "/somewhere/x", "relative to the file"),
    ("/x", "/x", "absolute"),
    ("~/x", "HOME/x", "home"),
    (".", "/somewhere", "the file's own folder"),
]


@pytest.mark.parametrize(("text", "path", "why"), PATHS)
def test_paths(tmp_path, text, path, why):
    assert made(f"store = '{text}'").store == Path(path.replace("HOME", str(tmp_path / "home"))), why


def test_made_by_hand_is_checked_too():
    """Settings that a program makes follow the same rules."""
    password = SecretSource(env="P")
    assert Mailbox(server="imaps://x.example", user="me", password=password, after="move", move_to="x").move_to == "x"
    with pytest.raises(ValidationError, match="needs it"):
        Mailbox(server="imaps://x.example", user="me", password=password, after="move")
    with pytest.raises(ValidationError):
        Settings().store = "x"


PLACES = [
    ("dmarcscope.toml", "here"),
    ("user/dmarcscope/dmarcscope.toml", "user"),
    ("etc/dmarcscope.toml", "system"),
]


def test_where_it_is_looked_for(tmp_path, monkeypatch):
    assert find_config() is None
    assert load() == Settings()
    for name, why in reversed(PLACES):
        path = written(tmp_path, f"store = '/{why}'", name)
        assert find_config().absolute() == path, why
        assert load().store == Path(f"/{why}")
    named = written(tmp_path, "store = '/named'", "other.toml")
    monkeypatch.setenv("DMARCSCOPE_CONFIG", str(named))
    assert find_config() == named
    assert load().store == Path("/named")
    assert load(tmp_path / "dmarcscope.toml").store == Path("/here")  # what is said goes before the environment
    monkeypatch.setenv("DMARCSCOPE_STORE", "mine")
    assert load().store == tmp_path / "mine"  # and the environment before the file, relative to where we are
    assert ("store", str(tmp_path / "mine"), "environment") in list(rows(load()))


def test_a_named_file_must_be_there(tmp_path, monkeypatch):
    with pytest.raises(SetupError, match="no such configuration file") as caught:
        load(tmp_path / "nothing.toml")
    assert "config init" in caught.value.fix
    monkeypatch.setenv("DMARCSCOPE_CONFIG", "gone.toml")
    with pytest.raises(SetupError, match=r"gone\.toml: no such"):
        load()


UNREADABLE = [
    (b"#" * (1024 * 1024 + 1), "more than 1 MiB", "not read into memory"),
    (b"a = 1\nb = '\xff'", ":2: is no UTF-8", "told with its line"),
]


@pytest.mark.parametrize(("data", "said", "why"), UNREADABLE)
def test_files_that_are_no_configuration(tmp_path, data, said, why):
    path = tmp_path / "x.toml"
    path.write_bytes(data)
    with pytest.raises(SetupError, match=said):
        load(path)
    with pytest.raises(SetupError, match="cannot be read"):
        load(tmp_path)


def test_a_byte_order_mark_is_no_harm(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfstore = 'x'\r\n")
    assert load(path).store == tmp_path / "x"


def test_load_tells_the_first_problems(tmp_path):
    path = written(tmp_path, f"stor = 1\n{GOOD}idle = 1\nafter = 'x'\nfolders = 1\n")
    with pytest.raises(SetupError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:1: stor: unknown key. Did you mean store?")
    assert "line 6: mailbox.a.idle: must be true or false" in text
    assert "1 more; dmarcscope config check shows all" in text
    assert "\n" not in text


LINES = [
    ("a = 1\nb = 2", {("a",): 1, ("b",): 2}, "plain"),
    ("\n# x = 1\n\na = 1", {("a",): 4}, "comments and empty lines"),
    ("a = '''\n[b]\nc = 1\n'''\nd = 1", {("a",): 1, ("d",): 5}, "a text that looks like TOML"),
    ("a = [\n  # ]\n  1,\n]\nb = 1", {("a",): 1, ("b",): 5}, "a list over lines"),
    ("[a]\n[a.b]\nc.d = 1", {("a",): 1, ("a", "b"): 2, ("a", "b", "c"): 3, ("a", "b", "c", "d"): 3}, "dotted keys"),
    ('["a"."b c"]', {("a",): 1, ("a", "b c"): 1}, "quoted keys"),
    ("a = { b = 1 }", {("a",): 1, ("a", "b"): 1}, "inline tables"),
    ("[[a]]\nb = 1\n[[a]]\nb = 2", {("a",): 1, ("a", "b"): 2}, "the first of several"),
    ("a = 1\r\n[b]\r\nc = 1\r\n", {("a",): 1, ("b",): 2, ("b", "c"): 3}, "Windows"),
]


@pytest.mark.parametrize(("text", "lines", "why"), LINES)
def test_lines(text, lines, why):
    assert lines_of_keys(text) == lines, why


@given(st.text(max_size=200))
def test_any_text_is_settings_or_problems(text):
    """Nothing but problems comes out of nonsense."""
    for problem in problems(text, HERE):
        assert problem.line >= 1


KEYS = st.sampled_from(
    ["store", "mailbox", "folder", "a", "server", "user", "password", "oauth", "tls", "token", "env", "path", "after", "scope"]
)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["move", "microsoft", "imap://x", "client_credentials"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_table_is_settings_or_refused(data):
    """Whatever the types, the rules between the keys do not fall over."""
    try:
        Settings.model_validate(data)
    except ValidationError as error:
        assert error.errors()


NOTICES = [
    (BOX + "password = { clear = 'hunter2' }", 4, "mailbox.a.password", "stands in clear", "whoever reads the file"),
    (BOX + "password = { clear = 'hunter2' }", 4, "mailbox.a.password", "others may read FOLDER/dmarcscope.toml", "the file itself"),
    (BOX + "password = { file = 'open' }", 4, "mailbox.a.password", "others may read FOLDER/open", "refused when it is needed"),
    (BOX + "password = { file = 'none' }", 4, "mailbox.a.password", "there is no file", "not there yet"),
    (BOX + "password = { env = 'NOT_SET_HERE' }", 4, "mailbox.a.password", "is not set here", "not there yet"),
    (
        GOOD + "[mailbox.a.tls]\ninsecure_no_verification = true",
        6,
        "mailbox.a.tls.insecure_no_verification",
        "ANY CERTIFICATE IS TAKEN",
        "loud",
    ),
    (
        GOOD.replace("imaps", "imap") + "[mailbox.a.tls]\ninsecure_plaintext = true",
        6,
        "mailbox.a.tls.insecure_plaintext",
        "NO TLS",
        "loud",
    ),
    (GOOD + "[mailbox.a.tls]\nca_file = 'none'", 6, "mailbox.a.tls.ca_file", "there is no file", "not there yet"),
    (FOLDER, 2, "folder.a.path", "there is no folder", "not there yet"),
]


@pytest.mark.parametrize(("text", "line", "key", "said", "why"), NOTICES)
def test_what_is_warned_of(tmp_path, monkeypatch, text, line, key, said, why):
    monkeypatch.setenv("P", "x")
    path = written(tmp_path, text)
    path.chmod(0o644)
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o644)
    found = notices(load(path), text, path)
    assert any((notice.line, notice.key) == (line, key) and said.replace("FOLDER", str(tmp_path)) in notice.what for notice in found), why
    assert "hunter2" not in repr(found)


def test_nothing_to_warn_of(tmp_path, monkeypatch):
    monkeypatch.setenv("P", "x")
    (tmp_path / "in").mkdir()
    path = written(tmp_path, GOOD + FOLDER)
    assert notices(load(path), path.read_text(), path) == []


def test_shown_without_secrets():
    settings = made(f"{BOX}password = {{ clear = 'hunter2' }}\n[mailbox.b]\nserver = 'imap://x.example'\nuser = 'b'\noauth.token.env = 'T'")
    shown = as_dict(settings)
    assert shown["mailbox"]["a"]["password"] == "in clear"
    assert shown["mailbox"]["b"]["oauth"]["token"] == "env T"
    assert shown["mailbox"]["a"]["poll_every"] == "5m"
    table = {key: (value, origin) for key, value, origin in rows(settings)}
    assert table["mailbox.a.password"] == ("in clear", "file")
    assert table["mailbox.a.idle"] == ("true", "default")
    assert table["mailbox.b.oauth.mechanism"] == ("xoauth2", "default")
    assert "hunter2" not in f"{shown}{table}{settings!r}{settings}"


TEMPLATE = files("dmarcscope.config").joinpath("template.toml").read_text("utf-8")
EXAMPLE = re.compile(r"(?:^#[^ \n#].*\n)+", re.MULTILINE)


def test_the_template_is_usable():
    assert list(made(TEMPLATE).mailbox) == ["reports"]


@pytest.mark.parametrize("example", [pytest.param(match, id=match[0].partition("\n")[0]) for match in EXAMPLE.finditer(TEMPLATE)])
def test_every_example_of_the_template_is_usable(example):
    """With the # taken away; a password in place of the one that stands there already."""
    before, after = TEMPLATE[: example.start()], TEMPLATE[example.end() :]
    block = example[0].replace("\n#", "\n").removeprefix("#")
    if block.startswith("password"):
        before = before.replace('password = { env = "DMARC_PASSWORD" }\n', "")
    assert problems(before + block + after, HERE) == []


def test_every_key_is_in_the_template():
    for table in (*SECTIONS.values(), SecretSource):
        for key in table.model_fields:
            assert re.search(rf"(^#?|\{{ |, ){key} = |^#?\[(\w+\.)*{key}[.\]]", TEMPLATE, re.MULTILINE), (table, key)


def test_every_key_has_its_meaning():
    for table in (*SECTIONS.values(), SecretSource):
        for key, field in table.model_fields.items():
            assert field.description, (table, key)


def test_sections_and_secrets_are_complete():
    """The tables that headers name are all the tables there are, and what holds a secret is known as such."""

    def below(subclass):
        return {subclass, *(inner for each in subclass.__subclasses__() for inner in below(each))}

    assert below(Table) - {Table} == {*SECTIONS.values(), SecretSource}
    holding = {key for table in SECTIONS.values() for key, field in table.model_fields.items() if "SecretSource" in str(field.annotation)}
    assert holding == set(SECRETS)


NAME_SERVERS = [
    # as written, address, port, why
    ("192.0.2.53", "192.0.2.53", 53, "IPv4"),
    ("192.0.2.53:5353", "192.0.2.53", 5353, "IPv4 and port"),
    ("2001:DB8::1", "2001:db8::1", 53, "IPv6, canonical"),
    ("[2001:db8::1]", "2001:db8::1", 53, "IPv6 in brackets"),
    ("[2001:db8::1]:54", "2001:db8::1", 54, "IPv6 and port"),
]


@pytest.mark.parametrize(("text", "host", "port", "why"), NAME_SERVERS, ids=[row[-1] for row in NAME_SERVERS])
def test_name_servers(text, host, port, why):
    (server,) = made(f'[dns]\nnameservers = ["{text}"]').dns.nameservers
    assert (server.host, server.port) == (host, port)
    assert made(f'[dns]\nnameservers = ["{server}"]').dns.nameservers == (server,)


BAD_DNS = [
    ('nameservers = ["ns.example.org"]', "is no address of a name server", "a name"),
    ('nameservers = ["192.0.2.53:0"]', "has port 0", "port 0"),
    ('nameservers = ["192.0.2.53:99999"]', "has port 99999", "a port too high"),
    ('nameservers = ["[2001:db8::1]:"]', "is no address of a name server", "half a port"),
    ('nameservers = ["192.0.2.1", "192.0.2.1:53"]', "holds the same name server twice", "twice the same"),
    ('timeout = "0s"', "is too short", "no time at all"),
    ('timeout = "5m"', "is too long", "too much time"),
    ("timeout = 2", "is no span of time", "a number"),
    ("tries = 0", "is no whole number from 1 to 10", "no try"),
    ("tries = true", "is no whole number from 1 to 10", "a truth"),
    ("concurrency = 5000", "is no whole number from 1 to 1000", "too many at once"),
    ('offline = true\nnameservers = ["192.0.2.1"]', "does not go with offline = true", "asks nobody, and names somebody"),
]


@pytest.mark.parametrize(("text", "what", "why"), BAD_DNS, ids=[row[-1] for row in BAD_DNS])
def test_dns_that_cannot_be(text, what, why):
    (problem,) = problems(f"[dns]\n{text}", HERE)
    assert what in problem.what
    assert problem.fix


def test_dns_settings():
    from dmarcscope.lookup.settings import DnsSettings
    from dmarcscope.wiring import dns_settings

    assert dns_settings(made("")) == DnsSettings(), "the defaults are those of the resolver"
    assert not made("").looks_up
    assert made("[dns]").looks_up, "an empty table says that the DNS may be asked"
    text = '[dns]\nnameservers = ["192.0.2.1:54"]\ntimeout = "3s"\ntries = 2\nconcurrency = 7\nzone_files = ["a.zone"]'
    assert dns_settings(made(text)) == DnsSettings(
        (("192.0.2.1", 54),), 3.0, 2, 7, offline=False, zone_files=(made(text).dns.zone_files[0],)
    )
    assert made(text).dns.zone_files[0].name == "a.zone"
