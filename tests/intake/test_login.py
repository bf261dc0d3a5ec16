"""Logging a person in, with a real token service and real connections on loopback in the place of the browser."""

import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from servers.token_service import TokenService

from dmarcscope.errors import DmarcscopeError, SetupError, Unavailable
from dmarcscope.intake.login import Login, begin
from dmarcscope.intake.oauth import OAuthClient, google, microsoft
from dmarcscope.intake.remembered import digest
from dmarcscope.intake.tokens import OAuthTokens

NAME = "reports"


class Person:
    """Somebody with a browser, who wants the mailbox to be read."""

    def __init__(self, service: TokenService, folder: Path) -> None:
        self.service = service
        self.memory = folder / "logins" / "reports.json"
        self.client = OAuthClient(
            service.token_url,
            f"{service.authorize_url}?access_type=offline",
            service.client_id,
            lambda: service.client_secret or "",
            ("imap", "offline"),
            ca_file=service.ca_file,
            patience=1.0,
        )
        context = ssl.create_default_context(cafile=service.ca_file)
        self._browser = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({}))

    def begin(self, **options: object) -> Login:
        """Begin to log in."""
        return begin(self.client, self.memory, name=NAME, **options)  # type: ignore[arg-type]

    def decide(self, address: str) -> str:
        """Open the address and decide; where the browser is sent then."""
        status, headers, _ = self.open(address)
        assert status == 302
        return headers["location"]

    def open(self, address: str) -> tuple[int, dict[str, str], str]:
        """Open an address: status, headers and page."""
        try:
            answer = self._browser.open(address, timeout=5)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read().decode()

    def remembered(self) -> dict[str, str]:
        """What the memory holds."""
        return json.loads(self.memory.read_text())  # type: ignore[no-any-return]


class Stay(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects."""

    def redirect_request(self, *_: object) -> None:
        """Nowhere."""


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with TokenService() as service:
        yield Person(service, tmp_path)


def test_the_browser_comes_back_by_itself(person: Person) -> None:
    with person.begin() as login:
        pages: list[tuple[int, dict[str, str], str]] = []
        browser = Thread(target=lambda: pages.append(person.open(person.decide(login.address))))
        browser.start()
        login.wait(timeout=5)
        browser.join()
    status, headers, page = pages[0]
    assert (status, headers["server"], headers["referrer-policy"], headers["cache-control"]) == (
        200,
        "dmarcscope",
        "no-referrer",
        "no-store",
    )
    assert "see in the terminal" in page
    tokens = OAuthTokens(person.client, name=NAME, memory=person.memory)
    assert person.service.owner(tokens.token()) == person.service.user, "and the mailbox can be read from then on"


def test_the_address_may_be_pasted(person: Person) -> None:
    with person.begin() as login:
        login.finish(f"  {person.decide(login.address)}\n")
    assert person.remembered()["refresh_token"].startswith("refresh-")
    assert person.remembered()["origin"] == ""


def test_what_is_asked_of_the_service(person: Person) -> None:
    with person.begin(user="reports@example.org") as login, person.begin() as other:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(login.address).query).items()}
        others = parse_qs(urlsplit(other.address).query)
    assert asked.pop("redirect_uri").startswith("http://127.0.0.1:")
    assert len(asked.pop("code_challenge")) == 43
    assert asked.pop("state") != others["state"][0]
    assert asked == {
        "access_type": "offline",
        "response_type": "code",
        "client_id": "client-1",
        "scope": "imap offline",
        "code_challenge_method": "S256",
        "login_hint": "reports@example.org",
    }


@pytest.mark.parametrize(
    ("make", "redirect", "wanted"),
    [
        (lambda: google("id", None), "http://127.0.0.1:{}/", {"access_type": "offline", "prompt": "consent"}),
        (
            lambda: microsoft("example.org", "id", None),
            "http://localhost:{}",
            {"scope": "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"},
        ),
    ],
    ids=["google", "microsoft"],
)
def test_providers(make: Callable[[], OAuthClient], redirect: str, wanted: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with begin(make(), tmp_path / "memory", name=NAME, port=port) as login:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(login.address).query).items()}
    assert asked["redirect_uri"] == redirect.format(port)
    assert wanted.items() <= asked.items()


def test_a_login_takes_the_place_of_the_configured_token(person: Person) -> None:
    with person.begin(configured=lambda: "configured\n") as login:
        login.finish(person.decide(login.address))
    assert person.remembered()["origin"] == digest("configured")
    assert OAuthTokens(person.client, name=NAME, memory=person.memory, refresh_token=lambda: "configured").token()


# What goes wrong.


@pytest.mark.parametrize(
    ("edit", "said", "why"),
    [
        (lambda address: address.replace("state=", "state=x"), "does not belong", "another login's, or somebody else's"),
        (lambda address: address.split("&state")[0], "does not belong", "no state at all"),
        (lambda address: address.replace("code=", "c="), "holds no code", "the code was lost"),
        (lambda address: address.replace("code=", "code=x"), "invalid_grant", "the service does not know the code"),
        (lambda _: "", "not the address", "nothing"),
        (lambda _: "http://[::1/?code=1", "not the address", "half a bracket"),
        (lambda address: address + "&a=b" * 100, "not the address", "too many parameters"),
        (lambda address: address + "x" * 20_000, "not the address", "too long"),
        (lambda address: address.replace("code=", "error=server_error&code="), "server_error", "the service says so instead"),
        (lambda address: address.replace("code=", "error=%1b[31mbad&code="), r"«\[31mbad»", "made safe to print"),
    ],
)
def test_addresses_that_lead_nowhere(person: Person, edit: Callable[[str], str], said: str, why: str) -> None:
    with person.begin() as login, pytest.raises(DmarcscopeError, match=f"^{NAME}.*{said}") as caught:
        login.finish(edit(person.decide(login.address)))
    assert isinstance(caught.value, Unavailable if said == "server_error" else SetupError), why
    assert not person.memory.exists()


def test_a_wrong_paste_may_be_mended(person: Person) -> None:
    with person.begin() as login:
        address = person.decide(login.address)
        with pytest.raises(SetupError):
            login.finish(address[:-3])
        login.finish(address)
    assert person.memory.exists()


def test_the_person_says_no(person: Person) -> None:
    person.service.consents = False
    with person.begin() as login:
        status, _, page = person.open(person.decide(login.address))
        assert (status, "The login was refused: access_denied" in page) == (200, True)
        with pytest.raises(SetupError, match="access_denied: the person said no"):
            login.wait(timeout=5)


def test_no_refresh_token(person: Person) -> None:
    person.service.gives_refresh_token = False
    with person.begin() as login, pytest.raises(SetupError, match=r"no refresh token was given.*Take the application's access away"):
        login.finish(person.decide(login.address))


def test_nobody_comes(person: Person) -> None:
    with person.begin() as login, pytest.raises(SetupError, match=r"nobody logged in within 0.05 s.*paste"):
        login.wait(timeout=0.05)


def test_the_service_is_down_when_the_code_comes(person: Person) -> None:
    person.service.misbehave(503)
    with person.begin() as login, pytest.raises(Unavailable, match="503"):
        login.finish(person.decide(login.address))


def test_nothing_can_be_written(person: Person) -> None:
    person.memory.parent.write_text("a file in the place of the folder")
    with person.begin() as login, pytest.raises(SetupError, match="cannot be written"):
        login.finish(person.decide(login.address))


@pytest.mark.parametrize(
    ("change", "said"),
    [({"grant": "client_credentials"}, "logs in as itself"), ({"authorize_url": ""}, "no address to log in at")],
)
def test_applications_where_nobody_can_log_in(person: Person, change: dict[str, str], said: str) -> None:
    with pytest.raises(SetupError, match=said):
        begin(replace(person.client, **change), person.memory, name=NAME)  # type: ignore[arg-type]


@pytest.mark.parametrize("port", [0, 99_999])
def test_a_port_that_cannot_be_had(person: Person, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SetupError, match="Choose another port"):
            person.begin(port=port or taken.getsockname()[1])


def test_other_visitors_are_passed_over(person: Person) -> None:
    with person.begin() as login:
        address = person.decide(login.address)
        root = address.split("?", maxsplit=1)[0]
        state = parse_qs(urlsplit(address).query)["state"][0]
        for visit, why in [
            (f"{root}favicon.ico", "browsers ask for an icon"),
            (root, "a curious look"),
            (f"{root}?code=1&state=other", "an answer to another login"),
            (f"{root}?code=1", "without a state"),
            (f"{root}?state={state[:-1]}", "nearly"),
        ]:
            status, _, page = person.open(visit)
            assert (status, "not the answer" in page) == (404, True), why
        parts = urlsplit(root)
        with socket.create_connection((parts.hostname or "", parts.port or 0)):  # opened ahead, and silent
            person.open(address)
            login.wait(timeout=5)
    assert person.memory.exists()


def test_the_page_escapes_what_it_shows(person: Person) -> None:
    with person.begin() as login:
        state = parse_qs(urlsplit(login.address).query)["state"][0]
        root = parse_qs(urlsplit(login.address).query)["redirect_uri"][0]
        _, headers, page = person.open(f"{root}?state={state}&error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%22%3E%3Cb")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert headers["content-security-policy"] == "default-src 'none'"


def test_only_this_machine_is_listened_to(person: Person) -> None:
    with person.begin() as login:
        redirect = urlsplit(parse_qs(urlsplit(login.address).query)["redirect_uri"][0])
        with socket.socket() as elsewhere:
            elsewhere.settimeout(1)
            assert elsewhere.connect_ex(("127.0.0.2", redirect.port or 0)) != 0
        login.close()
        login.close()
        with socket.socket() as late:
            assert late.connect_ex(("127.0.0.1", redirect.port or 0)) != 0, "and after the login nobody is"
