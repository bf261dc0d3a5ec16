"""What is to be published: each rule where it fits, and where it nearly does."""

import pytest

from dmarcscope.analysis.fixes import MAX_HOSTS, KeyFacts, Trouble, fixes, service_lines
from dmarcscope.model.fix import Fix
from dmarcscope.model.sender import Aligning, Kind, Sender

YES = Aligning.YES
KEY = 'k1._domainkey.example.com. IN TXT "v=DKIM1; p=abc"'
LETTERBOX = Sender(
    "Letterbox",
    Kind.MARKETING,
    spf_domains=("_spf.letterbox.example", "spf2.letterbox.example"),
    dkim=YES,
    dkim_records=("lb1._domainkey CNAME <account>.dkim.letterbox.example", "lb2._domainkey TXT <key shown in the account>"),
    return_path=YES,
    return_path_records=("bounce CNAME rp.letterbox.example",),
    documentation="https://letterbox.example/dmarc",
    fix="Switch on a signature with your domain.",
)
SUMS = ("messages", "needs_fixing", "dkim_failing", "dkim_other", "dkim_missing", "spf_broken", "spf_not_listed", "spf_other")


def trouble(*, sender="mail.example.net", domain="example.com", weeks=2.0, service=None, keys=(), **facts):
    """A trouble with these sums and further facts; the other sums are nothing."""
    row = {"sender": sender, "header_from": domain, **{name: facts.pop(name, 0) for name in SUMS}}
    return Trouble(row, weeks, service, keys=dict(keys), **facts)


def only(*troubles):
    """The one thing to do."""
    (found,) = fixes(troubles)
    return found


# An SPF record in error.

TWO = ("v=spf1 ip4:192.0.2.1 mx -all", "google-site-verification=x", "v=spf1 include:_spf.letterbox.example mx ~all")


def test_several_spf_records_are_made_one():
    found = only(trouble(spf_broken=20, published=TWO))
    assert found.what.startswith("make one SPF record of the 2 at example.com")
    assert found.records == ('example.com. IN TXT "v=spf1 ip4:192.0.2.1 mx include:_spf.letterbox.example -all"',)
    assert found.why == "SPF of example.com gave permerror or temperror for 20 messages"
    assert found.messages_a_week == 10


ONE_RECORD = [
    ("one record, whatever is wrong with it", ("v=spf1 a:a:b -all",)),
    ("none", ()),
    ("one, and what only looks like one", ("v=spf1 mx -all", "v=spf10 mx -all", "spf2.0/pra mx -all")),
    ("nobody has asked", None),
]


@pytest.mark.parametrize(("why", "published"), ONE_RECORD, ids=[one[0] for one in ONE_RECORD])
def test_another_error_is_for_check_to_tell(why, published):
    found = only(trouble(spf_broken=3, published=published))
    assert "dmarcscope check example.com" in found.what, why
    assert found.records == ()


def test_the_record_is_that_of_the_envelope():
    broken = only(trouble(spf_broken=20, published=TWO, envelope="bounce.example.com"))
    assert broken.records[0].startswith("bounce.example.com. IN TXT ")
    assert broken.why.startswith("SPF of bounce.example.com gave")
    added = only(trouble(spf_not_listed=6, published=("v=spf1 -all",), hosts=["192.0.2.7"], envelope="bounce.example.com"))
    assert added.records == ('bounce.example.com. IN TXT "v=spf1 ip4:192.0.2.7 -all"',)
    assert {broken.domain, added.domain} == {"bounce.example.com"}
    signed = only(trouble(dkim_missing=6, envelope="bounce.example.com"))
    assert signed.domain == "example.com", "DKIM is the author's"


def test_a_sound_record_is_left_alone():
    assert fixes([trouble(messages=50, published=TWO)]) == [], "nobody told of an error"


# Keys.

KEYS = [
    # state, last record, begin of what, records, why
    ("missing", "v=DKIM1; p=abc", "put the DKIM key back that stood at k1._domainkey.example.com", (KEY,), "it vanished"),
    (
        "missing",
        None,
        "publish the DKIM key at",
        ("k1._domainkey.example.com. IN TXT <the key that mail.example.net shows>",),
        "never seen",
    ),
    (
        "revoked",
        "v=DKIM1; p=",
        "publish a key at k1._domainkey.example.com again, or let mail.example.net",
        (),
        "an empty key is on purpose",
    ),
    ("usable", "v=DKIM1; p=abc", "compare the key at k1._domainkey.example.com with the one", (), "another key, or changed mail"),
    ("testing", "v=DKIM1; t=y; p=abc", "compare the key at", (), "it is there"),
    (None, None, "compare the key at", (), "nobody has asked"),
    (None, "v=DKIM1; p=abc", "compare the key at", (), "what was seen once says nothing of today"),
]


@pytest.mark.parametrize(("state", "last", "what", "records", "why"), KEYS, ids=[row[-1] for row in KEYS])
def test_a_key_that_fails(state, last, what, records, why):
    found = only(trouble(dkim_failing=14, keys={("example.com", "k1"): KeyFacts(state, last)}))
    assert found.what.startswith(what), why
    assert found.records == records
    assert found.why == "its signature as k1._domainkey.example.com does not verify, for 14 messages"
    assert found.messages_a_week == 7


def test_the_key_with_most_messages_is_told_of():
    keys = {("news.example.com", "k2"): KeyFacts("missing"), ("example.com", "k1"): KeyFacts("revoked")}
    assert "k2._domainkey.news.example.com" in only(trouble(dkim_failing=1, keys=keys)).what


@pytest.mark.parametrize("keys", [{}, {("example.com", None): KeyFacts()}], ids=["no key told", "no selector told"])
def test_a_key_that_is_not_told(keys):
    found = only(trouble(dkim_failing=1, keys=keys))
    assert "a key of example.com" in found.what
    assert found.records == ()


def test_a_service_tells_its_own_key_where_none_was_seen():
    known = {"service": LETTERBOX, "sender": "Letterbox", "dkim_failing": 1}
    seen = only(trouble(keys={("example.com", "k1"): KeyFacts("missing", "v=DKIM1; p=abc")}, **known))
    never = only(trouble(keys={("example.com", "k1"): KeyFacts("revoked")}, **known))
    assert seen.records == (KEY,), "what stood there goes before what stands in the catalogue"
    assert never.records[0].startswith("lb1._domainkey.example.com. IN CNAME <account>")
    assert seen.documentation == never.documentation == "https://letterbox.example/dmarc"


def test_a_long_key_becomes_strings_of_one_record():
    found = only(trouble(dkim_failing=1, keys={("example.com", "k1"): KeyFacts("missing", f"v=DKIM1; p={'a' * 392}")}))
    (line,) = found.records
    assert [len(part) for part in line.split('"')[1::2]] == [255, 148]


# No key.

LETTERBOX_LINES = (
    "lb1._domainkey.example.com. IN CNAME <account>.dkim.letterbox.example.",
    "lb2._domainkey.example.com. IN TXT <key shown in the account>",
)


def test_who_does_not_sign_gets_a_key():
    found = only(trouble(dkim_missing=4, needs_fixing=4))
    assert found.what == "let mail.example.net sign with DKIM as example.com: publish the key that it gives you"
    assert found.records == ("<selector>._domainkey.example.com. IN TXT <the key that mail.example.net shows>",)
    assert found.why == "it does not sign, and SPF is not aligned either, for 4 messages"


def test_who_signs_as_another_is_told_so():
    assert only(trouble(dkim_other=4, dkim_missing=1, needs_fixing=5)).why.startswith("it signs with another domain only")
    assert only(trouble(dkim_other=4, dkim_missing=1, needs_fixing=5)).messages_a_week == 2.5


def test_a_service_tells_its_own_records():
    found = only(trouble(service=LETTERBOX, sender="Letterbox", dkim_other=4, needs_fixing=4))
    assert (found.what, found.records) == ("Switch on a signature with your domain.", LETTERBOX_LINES)
    assert found.documentation == "https://letterbox.example/dmarc"


def test_a_service_without_records_or_words():
    bare = Sender("Bare", Kind.CRM)
    found = only(trouble(service=bare, sender="Bare", dkim_missing=1, needs_fixing=1))
    assert found.what.startswith("let Bare sign with DKIM as example.com")
    assert found.records == ("<selector>._domainkey.example.com. IN TXT <the key that Bare shows>",)


def test_who_cannot_sign_is_not_asked_to():
    never = Sender("Never", Kind.CRM, dkim=Aligning.NO, fix="It cannot.")
    assert fixes([trouble(service=never, dkim_missing=4, dkim_other=4, needs_fixing=8)]) == []


def test_who_signs_well_needs_no_key():
    assert fixes([trouble(messages=100)]) == []


# Who is not in the SPF record.

SPF = ("v=spf1 mx -all",)
TERMS = [
    # facts, published, record, why
    ({"hosts": ["192.0.2.7"]}, SPF, "v=spf1 mx ip4:192.0.2.7 -all", "one address, before all"),
    ({"hosts": ["192.0.2.7", "2001:db8::7"]}, SPF, "v=spf1 mx ip4:192.0.2.7 ip6:2001:db8::7 -all", "both kinds"),
    ({"hosts": ["192.0.2.7"]}, (), "v=spf1 ip4:192.0.2.7 ~all", "a first record"),
    ({"service": LETTERBOX, "hosts": ["192.0.2.7"]}, SPF, "v=spf1 mx include:_spf.letterbox.example -all", "its include and no address"),
    ({"hosts": [f"192.0.2.{n}" for n in range(MAX_HOSTS)]}, SPF, None, "as many as are worth a term"),
]


@pytest.mark.parametrize(("facts", "published", "record", "why"), TERMS, ids=[row[-1] for row in TERMS])
def test_terms_are_added(facts, published, record, why):
    found = only(trouble(spf_not_listed=6, published=published, **facts))
    if record is not None:
        assert found.records == (f'example.com. IN TXT "{record}"',), why
    assert found.what.startswith("add ")
    assert found.what.endswith(" to the SPF record of example.com")
    assert found.messages_a_week == 3


NOT_ADDED = [
    ({"hosts": ["192.0.2.7"], "published": None}, "nobody has asked what is there"),
    ({"hosts": [f"192.0.2.{n}" for n in range(MAX_HOSTS + 1)], "published": SPF}, "too many addresses"),
    ({"service": Sender("Bare", Kind.CRM), "hosts": ["192.0.2.7"], "published": SPF}, "hosts of a service come and go"),
    ({"hosts": [], "published": SPF}, "no address told"),
    ({"hosts": ["192.0.2.7"], "published": ("v=spf1 mx ip4:192.0.2.7 -all",)}, "it is there by now"),
    ({"service": LETTERBOX, "published": ("v=spf1 include:_spf.letterbox.example -all",)}, "the include is there by now"),
    ({"hosts": ["192.0.2.7"], "published": ("v=spf1 a:b:c -all",)}, "a record that is in error is mended first"),
    ({"hosts": ["not an address"], "published": SPF}, "what no term can be made of"),
]


@pytest.mark.parametrize(("facts", "why"), NOT_ADDED, ids=[row[-1] for row in NOT_ADDED])
def test_terms_that_are_not_added(facts, why):
    assert fixes([trouble(spf_not_listed=6, **facts)]) == [], why


def test_who_is_listed_is_not_added():
    assert fixes([trouble(spf_other=5, published=SPF, hosts=["192.0.2.7"])]) == []


# Return paths.


def test_a_return_path_of_ones_own():
    found = only(trouble(service=LETTERBOX, sender="Letterbox", spf_other=8))
    assert found.what == "give Letterbox a return path below example.com, for SPF beside DKIM"
    assert found.records == ("bounce.example.com. IN CNAME rp.letterbox.example.",)
    assert found.messages_a_week == 4


NO_RETURN_PATH = [
    (None, "nobody knows whether it can"),
    (Sender("No", Kind.CRM, return_path=Aligning.NO), "it cannot"),
    (Sender("Unknown", Kind.CRM), "it is not known"),
    (Sender("Yes", Kind.CRM, return_path=YES), "it can, but not which record"),
]


@pytest.mark.parametrize(("service", "why"), NO_RETURN_PATH, ids=[row[-1] for row in NO_RETURN_PATH])
def test_no_return_path(service, why):
    assert fixes([trouble(service=service, spf_other=8)]) == [], why


# All of them.


def test_what_aligns_most_goes_first():
    found = fixes(
        [
            trouble(sender="a", dkim_missing=2, needs_fixing=2),
            trouble(sender="b", dkim_missing=30, needs_fixing=30, domain="example.org"),
            trouble(sender="c", dkim_missing=30, needs_fixing=30),
            trouble(sender="d", spf_not_listed=20, published=SPF, hosts=["192.0.2.1"]),
        ]
    )
    assert [(fix.sender, fix.domain) for fix in found] == [
        ("c", "example.com"),
        ("b", "example.org"),
        ("d", "example.com"),
        ("a", "example.com"),
    ]


def test_dkim_goes_before_spf_for_as_many_messages():
    known = {"service": LETTERBOX, "sender": "Letterbox", "published": SPF}
    found = fixes([trouble(dkim_missing=4, needs_fixing=4, spf_not_listed=4, spf_other=4, **known)])
    assert [fix.what.split()[0] for fix in found] == ["Switch", "add", "give"]


def test_what_helps_several_senders_stands_once():
    found = only(*(trouble(sender=name, spf_broken=number, published=TWO) for name, number in (("a", 10), ("b", 30), ("c", 2))))
    assert (found.sender, found.messages_a_week) == ("a, b, c", 21)
    apart = fixes([trouble(sender=name, spf_broken=4, published=TWO, domain=f"{name}.example") for name in ("a", "b")])
    assert [fix.sender for fix in apart] == ["a", "b"], "another domain is another record"


WEEKS = [(2.0, 7.0, "two"), (1 / 7, 98.0, "a day"), (0.01, 98.0, "an hour says no more than a day"), (0.0, 98.0, "no time at all")]


@pytest.mark.parametrize(("weeks", "expected", "why"), WEEKS, ids=[row[-1] for row in WEEKS])
def test_messages_a_week(weeks, expected, why):
    assert only(trouble(dkim_missing=14, needs_fixing=14, weeks=weeks)).messages_a_week == pytest.approx(expected), why


def test_nothing_is_wrong():
    assert fixes([]) == []


LINES = [
    ("@ TXT v=spf1 mx -all", 'example.com. IN TXT "v=spf1 mx -all"', "the domain itself"),
    ("bounce MX 10 rp.example", "bounce.example.com. IN MX 10 rp.example.", "a final dot for a host"),
    (
        "<sub> NS <name servers from the account>",
        "<sub>.example.com. IN NS <name servers from the account>",
        "no dot for a blank to fill in",
    ),
    ("k CNAME <id>.keys.example", "k.example.com. IN CNAME <id>.keys.example.", "a dot behind it"),
    ("k CNAME keys.example.", "k.example.com. IN CNAME keys.example.", "it has one"),
    (
        "<any name you like> TXT v=spf1 mx ~all",
        '<any name you like>.example.com. IN TXT "v=spf1 mx ~all"',
        "blanks to fill in stay as they are",
    ),
    ("k TXT v=DKIM1; p=<key>", 'k.example.com. IN TXT "v=DKIM1; p=<key>"', "a semicolon would begin a comment"),
    ("k TXT <key>", "k.example.com. IN TXT <key>", "the account shows it with its quotation marks, or not"),
    ("host A 192.0.2.1", "host.example.com. IN A 192.0.2.1", "an address has no final dot"),
]


@pytest.mark.parametrize(("record", "line", "why"), LINES, ids=[row[-1] for row in LINES])
def test_records_as_lines_of_a_zone(record, line, why):
    assert service_lines([record], "example.com") == (line,), why


def test_a_fix_is_told_whole():
    found = only(trouble(service=LETTERBOX, sender="Letterbox", dkim_missing=4, needs_fixing=4))
    assert found == Fix(
        "Letterbox",
        "example.com",
        "Switch on a signature with your domain.",
        "it does not sign, and SPF is not aligned either, for 4 messages",
        LETTERBOX_LINES,
        2.0,
        "https://letterbox.example/dmarc",
    )
