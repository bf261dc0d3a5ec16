"""An SPF record with terms put in and taken out, ready to be published (RFC 7208 §4.5, §4.6)."""

import difflib
import re
from collections.abc import Iterable, Sequence

from dmarcscope.errors import SetupError
from dmarcscope.model.whatif import SpfEdit
from dmarcscope.parse.slips import listed
from dmarcscope.parse.spf_meant import joined, spf_records
from dmarcscope.parse.spf_record import spf_record

QUALIFIERS = "+-~?"
MODIFIER = re.compile(r"[A-Za-z][A-Za-z0-9._-]*=")
NEW_END = "~all"
"""How a record ends that is begun for an added term: the owner may make it stricter."""
SHOWN = 3
NEAR = 0.5


def changed_record(domain: str, published: Sequence[str], remove: Sequence[str] = (), add: Sequence[str] = ()) -> SpfEdit:
    """The SPF record among the TXT records of a domain, changed. Raises SetupError for what cannot be removed or added.

    Several records, which receivers take for a permanent error, are made one first.

    >>> changed_record("example.com", ["v=spf1 mx include:a.example ~all"], ["include:a.example"], ["ip4:192.0.2.1"]).after
    'v=spf1 mx ip4:192.0.2.1 ~all'
    """
    candidates = spf_records(published).candidates
    before = joined(candidates) if len(candidates) > 1 else candidates[0] if candidates else None
    notes: tuple[str, ...] = ()
    if len(candidates) > 1:
        notes = (f"{domain} has {len(candidates)} SPF records, which is a permanent error for all mail: this one replaces all of them.",)
    if before is None and remove:
        raise SetupError(f"{domain} has no SPF record", where="--remove-spf", fix="Use --add-spf to see what a first record would do")
    words = before.split()[1:] if before is not None else [NEW_END] if add else []
    removed = []
    for given in remove:
        word = found_term(words, given)
        removed.append(word)
        words.remove(word)
    added = [word for given in add for word in new_terms(given)]
    for word in added:
        put_in(words, word, started=before is None)
    after = " ".join(["v=spf1", *words])
    error = spf_record(after).error
    if error is not None:
        raise SetupError(f"the SPF record would not be valid: {error.what}", where=after, fix=error.fix or "Remove that term, too")
    return SpfEdit(domain, candidates[0] if len(candidates) == 1 else before, after, tuple(removed), tuple(added), notes)


def found_term(words: Sequence[str], given: str) -> str:
    """The term of a record that is meant. Raises SetupError, with what is like it, where there is none."""
    wanted = given.strip()
    for like in (str, plain, bare):
        found = [word for word in words if like(word) == like(wanted)]
        if found:
            return found[0]
    near = nearest(words, wanted)
    fix = f"Perhaps: {listed(near)}" if near else f"Its terms are: {listed(words)}" if words else "It has no terms"
    raise SetupError(f"the SPF record has no term {listed([wanted])}", where="--remove-spf", fix=fix)


def plain(word: str) -> str:
    """A term without what makes no difference.

    >>> plain("+Include:A.example.")
    'include:a.example'
    """
    return word.lower().removeprefix("+").removesuffix(".")


def bare(word: str) -> str:
    """A term without its qualifier.

    >>> bare("?include:a.example")
    'include:a.example'
    """
    return plain(word).lstrip(QUALIFIERS)


def nearest(words: Iterable[str], wanted: str) -> list[str]:
    """Terms that are like what was asked for: those that hold it, else those spelt nearly so."""
    every = list(dict.fromkeys(words))
    key = bare(wanted)[:100]
    holding = [word for word in every if key and key in bare(word)]
    return holding[:SHOWN] or difflib.get_close_matches(wanted[:100], every, SHOWN, NEAR)


def new_terms(given: str) -> list[str]:
    """The terms that are to be added, each as it is written. Raises SetupError for what is no term."""
    words = given.split()
    if not words:
        raise SetupError("there is no term", where="--add-spf", fix="Write it as include:_spf.example.net or ip4:192.0.2.1")
    for word in words:
        error = spf_record(f"v=spf1 {word}").error
        if error is not None:
            fix = f"Perhaps: {error.fix}" if error.fix else "Write it as include:_spf.example.net or ip4:192.0.2.1"
            raise SetupError(f"{listed([word])} is no SPF term: {error.what}", where="--add-spf", fix=fix)
    return words


def put_in(words: list[str], word: str, *, started: bool) -> None:
    """Add a term where it is reached: before ``all`` and the modifiers. Raises SetupError where it stands there already."""
    if plain(word) in map(plain, words) and not started:
        raise SetupError(f"the SPF record has {listed([word])} already", where="--add-spf", fix="Leave it out")
    ends = [place for place, each in enumerate(words) if is_all(each)]
    if is_all(word):
        if ends and started:
            words[ends[0]] = word
            return
        if ends:
            there = words[ends[0]]
            raise SetupError(f"the SPF record ends with «{there}»", where="--add-spf", fix=f"Take that out, too: --remove-spf={there}")
    if MODIFIER.match(word):
        words.append(word)
        return
    # RFC 7208 §5.1: what stands after all is never reached.
    places = ends or [place for place, each in enumerate(words) if MODIFIER.match(each)]
    words.insert(places[0] if places else len(words), word)


def is_all(word: str) -> bool:
    """Whether a term is ``all``."""
    return word.lower().lstrip(QUALIFIERS) == "all"
