"""The owner's list: every wrong thing has its line; what is written changes one entry and no other byte."""

import re
import threading
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dmarcscope.enrich.catalogue import read_catalogue
from dmarcscope.enrich.owner_list import KEYS, KNOWN_KEYS, list_of, read_list
from dmarcscope.enrich.owner_writing import HEADER, Remarks, accept, reject, save
from dmarcscope.enrich.yaml_edit import quoted
from dmarcscope.enrich.yaml_tree import LARGEST, tree_of
from dmarcscope.errors import SetupError
from dmarcscope.model.owner_list import KnownBy, Label, ListedSender, OwnerList

ROOT = Path(__file__).parents[2]
GOOD = "senders:\n  - name: A\n    label: ours\n"  # lines 1 to 3
KNOWN = f"{GOOD}    known_by:\n"  # line 4
TWO = f"{GOOD}  - name: B\n    label: ours\n"  # lines 4 and 5


def two(first, second):
    """A list of two entries, on lines 2 and 3."""
    return f"senders:\n{first}\n{second}\n"


WRONG = [
    # text, line, words of what or fix, why
    ("- name: A\n  label: ours\n", 1, "Write «senders:»", "a bare list"),
    ("hello", 1, "Write «senders:»", "no YAML table"),
    ("sender: []", 1, "Did you mean senders?", "a slip of the pen"),
    ("name: A", 1, "this in an entry below it", "the list is forgotten"),
    ("senders: {}", 1, "senders must be a list", "a table"),
    ("senders: A", 1, "senders must be a list", "a text"),
    ("senders:\n  - A", 2, "an entry must tell name and label", "a text for an entry"),
    ("senders:\n  - []", 2, "an entry must tell name and label", "a list for an entry"),
    ("senders:\n  -", 2, "an entry must tell name and label", "nothing"),
    ("senders:\n  - label: ours", 2, "name is missing", "who?"),
    ("senders:\n  - name:\n    label: ours", 2, "name is missing", "a name without value"),
    ("senders:\n  - name: A", 2, "label is missing", "ours or not?"),
    ("senders:\n  - name: ''\n    label: ours", 2, "name is empty", "an empty text"),
    ("senders:\n  - name: [A]\n    label: ours", 2, "name must be a text", "a list"),
    ('senders:\n  - name: "A\\e"\n    label: ours', 2, "is no name that can be used", "a control character"),
    (f"senders:\n  - name: {'A' * 201}\n    label: ours", 2, "is no name that can be used", "too long"),
    (GOOD.replace("ours", "our"), 3, "Did you mean «ours»?", "a slip of the pen"),
    (GOOD.replace("ours", "mailing-list"), 3, "Did you mean «mailing list»?", "as the class is written"),
    (GOOD.replace("ours", "friend"), 3, "is not one of «ours», «not ours», «forwarder», «mailing list»", "no such word"),
    (GOOD.replace("label", "lable"), 3, "Did you mean label?", "a slip of the pen"),
    (f"{GOOD}    addresses: [192.0.2.1]", 4, "belongs below known_by", "one level too high"),
    (f"{GOOD}    zzz: 1", 4, "Known here: name, label", "nothing is near"),
    (f"{KNOWN}      owner: x", 5, "beside its name", "one level too deep"),
    (f"{KNOWN}      address: [192.0.2.1]", 5, "Did you mean addresses?", "a slip of the pen"),
    (f"{GOOD}    known_by: x", 4, "known_by must be a table", "a text"),
    (f"{KNOWN}      addresses: [192.0.2.300]", 5, "is no address", "no such address"),
    (f"{KNOWN}      addresses: [192.0.2.1/24]", 5, "Did you mean 192.0.2.0/24?", "an address in a block"),
    (f"{KNOWN}      addresses: [0.0.0.0/0]", 5, "every address there is", "would make everybody ours"),
    (f"{KNOWN}      addresses: ['::/0']", 5, "every address there is", "likewise"),
    (f"{KNOWN}      addresses:\n        - 192.0.2.1\n        - 192.0.2.1", 7, "stands there twice", "the same again"),
    (f"{KNOWN}      addresses: {{a: b}}", 5, "addresses must be a list", "a table"),
    (f"{KNOWN}      addresses: []", 5, "is an empty list", "said nothing, or all?"),
    (f"{KNOWN}      dkim_domains: [com]", 5, "is no domain", "half the world"),
    (f"{KNOWN}      dkim_domains: [a@b.example]", 5, "is no domain", "an address of somebody"),
    (f"{KNOWN}      spf_domains: [192.0.2.1]", 5, "is no domain", "an address of a host"),
    (f"{GOOD}    domains: [exa mple.com]", 4, "domains: 'exa mple.com' is no domain", "a blank"),
    (f"{GOOD}    domains: []", 4, "is an empty list", "for none, or for all?"),
    (f"{GOOD}    expected: many", 4, "from low to high", "no numbers"),
    (f"{GOOD}    expected: 500", 4, "from low to high", "one number"),
    (f"{GOOD}    expected: 600-400", 4, "Write 400-600", "the wrong way round"),
    (f"{GOOD}    review: soon", 4, "is no day", "no day"),
    (f"{GOOD}    review: 2027-02-30", 4, "is no day", "no such day"),
    (f"{GOOD}    review: 20270131", 4, "2027-01-31", "hard to read"),
    (f"{GOOD}    owner: [a]", 4, "owner must be a text", "a list"),
    (f"{GOOD}    name: B", 4, "name stands here twice (first in line 2)", "which of both?"),
    (f"{GOOD}  - name: a\n    label: not ours", 4, "«a» is listed already (line 2)", "the same name, whatever its case"),
    (
        f"{TWO.replace('A', 'B', 1)}",
        4,
        "«B» is listed already (line 2)",
        "twice the same",
    ),
    (
        two(
            "  - {name: A, label: ours, known_by: {addresses: [192.0.2.0/24]}}",
            "  - {name: B, label: ours, known_by: {addresses: [192.0.2.10]}}",
        ),
        3,
        "192.0.2.10 of «B» is covered by 192.0.2.0/24 in «A» (line 2), and would never count",
        "the wider stands first",
    ),
    (
        two(
            "  - {name: A, label: ours, known_by: {dkim_domains: [vendor.example]}}",
            "  - {name: B, label: not ours, known_by: {dkim_domains: [eu.vendor.example]}}",
        ),
        3,
        "put the narrower entry above",
        "the wider domain stands first",
    ),
    (
        two(
            "  - {name: A, label: ours, known_by: {spf_domains: [vendor.example]}}",
            "  - {name: B, label: ours, domains: [example.com], known_by: {spf_domains: [Vendor.example]}}",
        ),
        3,
        "is also in «A»",
        "the first holds for all domains",
    ),
    ("a: &x 1\nb: *x", 1, "anchors (&) and aliases (*)", "could grow without bound"),
    ("senders:\n  - *x", 2, "anchors (&) and aliases (*)", "an alias"),
    ("senders: !!python/object:os.system []", 1, "tags (!)", "no objects"),
    ("senders: []\n---\nsenders: []", 2, "a second document", "which of both?"),
    ("senders: [[[[[[[[1]]]]]]]]", 1, "nested too deeply", "nobody writes that"),
    ("[" * 100_000, 1, "nested too deeply", "stops at once"),
    ("senders:\n\t- name: A", 2, "this is no YAML", "a tab"),
    ("senders:\n  - name: A: B", 2, "this is no YAML", "a colon without quotes"),
    ("senders: [", 1, "this is no YAML", "half a list"),
    ("senders:\n  - name: @x", 2, "this is no YAML", "needs quotes"),
    ("\n\nsenders: \x07", 3, "this is no YAML", "a control character"),
    ('name: "\\UFFFFFFFF"', 1, "character that does not exist", "the parser falls over it"),
    ("? [a]\n: 1", 1, "where a key must be", "a list as a key"),
]


@pytest.mark.parametrize(("text", "line", "said", "why"), WRONG, ids=[row[-1] for row in WRONG])
def test_every_wrong_thing_is_told_on_its_line(text, line, said, why):
    with pytest.raises(SetupError) as caught:
        list_of(text, "senders.yaml")
    assert caught.value.where == f"senders.yaml:{line}", (why, str(caught.value))
    assert said in f"{caught.value.what}. {caught.value.fix}"
    assert caught.value.fix
    assert str(caught.value).isprintable()


EMPTY = [
    ("", "nothing"),
    ("# only a comment\n", "comments"),
    ("---\n", "a document without content"),
    ("senders:\n", "no entries"),
    ("senders: []", "an empty list"),
]


@pytest.mark.parametrize(("text", "why"), EMPTY)
def test_an_empty_list(tmp_path, text, why):
    path = tmp_path / "senders.yaml"
    path.write_text(text)
    assert read_list(path).senders == (), why
    assert read_list(path).path == str(path)
    assert read_list(tmp_path / "none.yaml") == OwnerList()


def test_files_that_are_no_list(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(SetupError, match="more than 256 KiB"):
        read_list(path)
    path.write_bytes(b"# a\n# \xff")
    with pytest.raises(SetupError, match=r"x\.yaml:2: is no UTF-8"):
        read_list(path)
    with pytest.raises(SetupError, match="cannot be read"):
        read_list(tmp_path)


def test_all_keys():
    text = """
senders:
  - name: 2027
    label: not ours
    owner: >
      Anna
      and Ben
    purpose: no
    expected: 400 – 600
    review: 2027-01-31
    domains: Example.com
    known_by:
      addresses: [192.0.2.10, "2001:DB8::/32"]
      ptr_suffixes: [.example.net, "*.example.org"]
      dkim_domains: [bücher.example]
      spf_domains:
        - spf.example
"""
    (sender,) = list_of(text, "x").senders
    assert sender == ListedSender(
        name="2027",
        label=Label.NOT_OURS,
        owner="Anna and Ben",
        purpose="no",
        expected=(400, 600),
        review=date(2027, 1, 31),
        domains=("example.com",),
        known_by=KnownBy(
            (ip_network("192.0.2.10"), ip_network("2001:db8::/32")),
            ("example.net", "example.org"),
            ("xn--bcher-kva.example",),
            ("spf.example",),
        ),
    )
    assert sender.line == 3


FITTING = [
    ("{addresses: [192.0.2.10]}", "{addresses: [192.0.2.0/24]}", "the narrower stands first"),
    ("{dkim_domains: [eu.vendor.example]}", "{dkim_domains: [vendor.example]}", "likewise, a domain"),
    ("{dkim_domains: [vendor.example]}", "{spf_domains: [vendor.example]}", "two kinds of evidence"),
    ("{dkim_domains: [vendor.example]}", "{dkim_domains: [other-vendor.example]}", "not below it"),
]


@pytest.mark.parametrize(("first", "second", "why"), FITTING)
def test_entries_beside_each_other(first, second, why):
    text = f"senders:\n  - {{name: A, label: ours, known_by: {first}}}\n  - {{name: B, label: ours, known_by: {second}}}\n"
    assert len(list_of(text, "x").senders) == 2, why


def test_one_name_for_different_domains():
    text = "senders:\n  - {name: A, label: not ours, domains: [example.com]}\n  - {name: A, label: ours}\n"
    assert [sender.label for sender in list_of(text, "x").senders] == [Label.NOT_OURS, Label.OURS]


@given(st.binary(max_size=300))
@example(b'a: "\\UFFFFFFFF"')
@example(b"%YAML 1.\n---")
@example(b"!<%ff> x")
def test_arbitrary_bytes_raise_only_setup_errors(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "arbitrary.yaml"
    path.write_bytes(data)
    try:
        assert isinstance(read_list(path), OwnerList)
    except SetupError as error:
        assert error.fix
        assert error.where.startswith(str(path))


PARTS = st.sampled_from(
    [
        *"[]{}:,-?&*!|>#%@`'\"\\ \n\t",
        "  ",
        "\n  ",
        "- ",
        ": ",
        "name",
        "label",
        "ours",
        "senders",
        "---",
        "...",
        "<<",
        "~",
        "\r\n",
        "\u2028",
        "\\U",
    ]
)


@given(st.lists(PARTS, max_size=60).map("".join))
def test_nearly_yaml_raises_only_setup_errors(text):
    try:
        assert isinstance(list_of(text, "x"), OwnerList)
    except SetupError as error:
        assert error.fix


@given(st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip()))
def test_any_text_comes_back_as_it_was_written(text):
    assert tree_of(f"a: {quoted(text)}", "x").get("a").text == text
    assert tree_of(f"[{quoted(text)}, b]", "x").items[0].text == text


COMMENTED = """\
# The list.   Odd   spacing stays.

senders:

    # One
    -   name:   "A"      # quoted
        label: 'ours'    # ours
        domains:
            - example.com   # the brand

        # deep inside

    # Two
    - {name: B, label: not ours, purpose: "x"}   # flow
    - label: forwarder
      name: C
      owner:
      known_by:
        addresses: 192.0.2.1   # one

# The end
"""
ADDRESS = ip_network("2001:db8::/64")
CHANGES = [
    # name, remarks, what gives way, what stands there then, why
    ("A", Remarks(label=Label.FORWARDER), "'ours' ", "forwarder ", "a value in its place, its comment stays"),
    ("a", Remarks(owner="Anna: IT"), "# ours\n", '# ours\n        owner: "Anna: IT"\n', "a new key after those before it"),
    ("A", Remarks(domains=("example.net",)), "# the brand\n", "# the brand\n            - example.net\n", "one more in a list"),
    (
        "A",
        Remarks(addresses=(ADDRESS,)),
        "# the brand\n",
        '# the brand\n        known_by: {addresses: ["2001:db8::/64"]}\n',
        "a new table",
    ),
    ("B", Remarks(), "not ours,", "ours,", "accepted after all"),
    ("B", Remarks(label=Label.NOT_OURS, expected=(1, 2)), '"x"}', '"x", expected: 1-2}', "a new key in braces"),
    ("C", Remarks(owner="Ben"), "owner:\n", "owner: Ben\n", "a key without value"),
    ("C", Remarks(addresses=(ADDRESS,)), "192.0.2.1 ", '[192.0.2.1, "2001:db8::/64"] ', "one text becomes a list"),
    ("C", Remarks(review=date(2027, 1, 31)), "owner:\n", "owner:\n      review: 2027-01-31\n", "after a key without value"),
    (
        "D d",
        Remarks(),
        "# one\n",
        "# one\n\n    - name: D d\n      label: ours\n",
        "a new entry, set in and apart as the others are",
    ),
]


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize(("name", "remarks", "old", "new", "why"), CHANGES, ids=[row[-1] for row in CHANGES])
def test_all_else_stays_byte_for_byte(tmp_path, ends, name, remarks, old, new, why):
    path = tmp_path / "senders.yaml"
    before = COMMENTED.replace("\n", ends)
    path.write_bytes(before.encode())
    assert before.count(old.replace("\n", ends)) == 1
    done = accept(path, name, remarks)
    assert path.read_bytes().decode() == before.replace(old.replace("\n", ends), new.replace("\n", ends)), why
    assert done.changed
    assert done.now in read_list(path).senders


EMPTIES = [
    "",
    "# a comment",
    "senders:\n",
    "senders:  # all\n# the end",
    "senders: []  # none\n",
    "{senders: []}",
    "senders: ~\n",
    "---\n# x\n",
    "\ufeffsenders: []\n",
]


@pytest.mark.parametrize("text", EMPTIES)
def test_the_first_entry(tmp_path, text):
    path = tmp_path / "senders.yaml"
    path.write_bytes(text.encode())
    accept(path, "A")
    assert read_list(path).senders == (ListedSender("A", Label.OURS),)
    for comment in ("# a comment", "# all", "# the end", "# none", "# x", "\ufeff"):
        assert (comment in path.read_text()) == (comment in text)
    reject(path, "B")
    assert [sender.label for sender in read_list(path).senders] == [Label.OURS, Label.NOT_OURS]


def test_a_new_file_explains_itself(tmp_path):
    path = tmp_path / "senders.yaml"
    everything = Remarks(
        label=Label.MAILING_LIST,
        owner="Anna",
        purpose="list",
        expected=(0, 9),
        review=date(2027, 1, 31),
        domains=("example.com",),
        addresses=(ip_network("192.0.2.1"), ADDRESS),
    )
    done = accept(path, "lists.example.net", everything)
    assert (done.new_file, done.before) == (True, None)
    assert path.read_text().startswith(HEADER)
    assert read_list(path).senders == (done.now,)
    accept(path, "B")
    assert "\n\n  - name: B\n    label: ours\n" in path.read_text()


def test_the_example_in_a_new_file_is_a_list():
    shown = "\n".join(line[1:] for line in HEADER.splitlines() if line.startswith("#   "))
    (sender,) = list_of(f"senders:\n{shown}", "x").senders
    assert (sender.name, sender.expected) == ("Letterbox", (400, 600))
    assert all(getattr(sender, key) for key in KEYS)
    assert all(getattr(sender.known_by, key) for key in KNOWN_KEYS)


def test_nothing_to_change_is_nothing_written(tmp_path):
    path = tmp_path / "senders.yaml"
    path.write_text(COMMENTED)
    before = path.stat()
    assert not accept(path, "A").changed
    assert not reject(path, "B").changed
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_label_of_an_entry_that_is_there(tmp_path):
    """Accepting again does not make a forwarder ours; accepting what was rejected does."""
    path = tmp_path / "senders.yaml"
    path.write_text(COMMENTED)
    assert accept(path, "C", Remarks(purpose="x")).now.label is Label.FORWARDER
    assert accept(path, "B").now.label is Label.OURS
    assert reject(path, "C").now.label is Label.NOT_OURS


REFUSED = [
    ("senders: [", "A", Remarks(), "this is no YAML", "a broken file"),
    (COMMENTED.replace("'ours'", "our"), "C", Remarks(), "Did you mean «ours»", "another entry is wrong"),
    (COMMENTED, "", Remarks(), "is no name", "no name"),
    (COMMENTED, "a\x1bb", Remarks(), "is no name", "a control character"),
    (COMMENTED, "B", Remarks(domains=("example.com",)), "for all domains already", "would narrow it"),
    (COMMENTED, "D", Remarks(addresses=(ip_network("192.0.2.1"),)), "is also in «C»", "would never count"),
    (
        "senders:\n  - {name: A, label: ours, domains: [a.example]}\n  - {name: A, label: ours}\n",
        "A",
        Remarks(),
        "several entries",
        "which?",
    ),
]


@pytest.mark.parametrize(("text", "name", "remarks", "said", "why"), REFUSED, ids=[row[-1] for row in REFUSED])
def test_refused_and_left_alone(tmp_path, text, name, remarks, said, why):
    path = tmp_path / "senders.yaml"
    path.write_text(text)
    with pytest.raises(SetupError, match=said):
        accept(path, name, remarks)
    assert path.read_text() == text, why
    assert [file.name for file in tmp_path.iterdir()] == ["senders.yaml"]


def test_rights_and_links_are_kept(tmp_path):
    real = tmp_path / "git" / "senders.yaml"
    real.parent.mkdir()
    real.write_text(COMMENTED)
    real.chmod(0o640)
    link = tmp_path / "senders.yaml"
    link.symlink_to(real)
    reject(link, "A")
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert read_list(real).senders[0].label is Label.NOT_OURS
    assert [file.name for file in real.parent.iterdir()] == ["senders.yaml"]


def test_written_in_a_way_that_cannot_be_changed(tmp_path):
    """What follows an end mark would be another document: said, and left alone."""
    path = tmp_path / "senders.yaml"
    path.write_text("senders: []\n...\n")
    with pytest.raises(SetupError, match="without touching the rest"):
        accept(path, "A")
    assert path.read_text() == "senders: []\n...\n"
    path.write_text(f"{GOOD}...\n")
    accept(path, "B")
    assert path.read_text() == f"{GOOD}\n  - name: B\n    label: ours\n...\n"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SetupError, match="cannot be written"):
        accept(tmp_path / "none" / "senders.yaml", "A")


def test_several_at_once_lose_nothing(tmp_path):
    """Of writers at the same time, each entry is there."""
    path = tmp_path / "senders.yaml"
    threads = [threading.Thread(target=accept, args=(path, f"S{number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {sender.name for sender in read_list(path).senders} == {f"S{number}" for number in range(8)}


def test_an_editor_in_between_is_seen(tmp_path):
    path = tmp_path / "senders.yaml"
    path.write_text("# edited\n")
    with pytest.raises(SetupError, match="somebody else has changed it just now"):
        save(path, "senders: []\n", "# as it was read\n", path)
    assert path.read_text() == "# edited\n"
    assert [file.name for file in tmp_path.iterdir()] == ["senders.yaml"]


NAMES = st.text(min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(lambda text: bool(text) and text.isprintable())


@given(st.lists(st.tuples(NAMES, st.booleans(), st.none() | NAMES, st.booleans()), max_size=6))
def test_any_order_of_writing_is_read_back(tmp_path_factory, steps):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(COMMENTED)
    meant = {sender.name.casefold(): sender.label for sender in read_list(path).senders}
    for name, ours, purpose, twice in steps:
        for _ in range(1 + twice):
            (accept if ours else reject)(path, name, Remarks(purpose=purpose))
        before = meant.get(name.casefold(), Label.NOT_OURS)
        meant[name.casefold()] = (Label.OURS if before is Label.NOT_OURS else before) if ours else Label.NOT_OURS
    assert {sender.name.casefold(): sender.label for sender in read_list(path).senders} == meant
    kept = path.read_text()
    for comment in ("# The list.   Odd   spacing stays.", "# quoted", "# deep inside", "# The end", "# one"):
        assert comment in kept


def test_the_sample_is_a_list():
    names = [sender.name for sender in read_list(ROOT / "sample_reports" / "senders.yaml").senders]
    assert names == ["mail.example.com", "Letterbox", "Billwell"]


def test_the_examples_of_the_documents_are_usable():
    page = (ROOT / "docs" / "senders-list.md").read_text()
    examples = dict(re.findall(r"```(yaml|toml)\n(.*?)```", page, re.DOTALL))
    assert [sender.name for sender in list_of(examples["yaml"], "x").senders] == ["Letterbox", "Old newsletter service"]
    assert [sender.name for sender in read_catalogue(examples["toml"], "x").senders] == ["Group relay"]
    for key in (*KEYS, *(f"known_by.{key}" for key in KNOWN_KEYS)):
        assert f"| `{key}` |" in page
