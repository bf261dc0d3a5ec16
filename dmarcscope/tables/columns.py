"""Each column of the tables once: name, type and meaning. The documents and the schema are made from this list.

The types are arro3's, the small Arrow that the record table's library brings along: `ingest` needs no more, and starts half a second
sooner than with pyarrow, which only answers need.
"""

from dataclasses import dataclass

from arro3.core import DataType, Field, Schema

INTEGER, SMALL, TEXT, TRUTH = DataType.int64(), DataType.int32(), DataType.utf8(), DataType.bool()
TIME, REAL = DataType.timestamp("us", tz="UTC"), DataType.float64()


def list_of(*names: str) -> DataType:
    """A list of groups of texts, such as the DKIM results of a record."""
    group = DataType.struct([Field(name, TEXT, nullable=True) for name in names])
    return DataType.list(Field("element", group, nullable=True))


def list_of_texts() -> DataType:
    """A list of texts."""
    return DataType.list(Field("element", TEXT, nullable=True))


REASONS = list_of("type", "comment")
DKIM = list_of("domain", "selector", "result", "human_result")
SPF = list_of("domain", "scope", "result", "human_result")
NO_MONTH = "unknown"
"""The partition of reports that do not say when their period begins."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its Arrow type, and what it means, with the element that it mirrors if it mirrors one."""

    name: str
    type: DataType
    meaning: str
    element: str = ""


def schema_of(*columns: Column) -> Schema:
    """The Arrow schema of some columns; every one of them may be null."""
    return Schema([Field(column.name, column.type, nullable=True) for column in columns])


# What a report says once is repeated on each line of the record table.
REPORT_COLUMNS = (
    Column("report_key", INTEGER, "the report's number in this store; joins `records` to `reports`"),
    Column("month", TEXT, f"the month of `period_begin` as YYYY-MM, or `{NO_MONTH}`; the table is partitioned by it"),
    Column("reporter", TEXT, "who reports", "report_metadata/org_name"),
    Column("report_id", TEXT, "the reporter's own name for the report", "report_metadata/report_id"),
    Column("policy_domain", TEXT, "the domain at which the DMARC record was found", "policy_published/domain"),
    Column("period_begin", TIME, "begin of the period reported on, UTC", "date_range/begin"),
    Column("period_end", TIME, "end of the period reported on, UTC", "date_range/end"),
    Column("p", TEXT, "the policy asked for the domain", "policy_published/p"),
    Column("sp", TEXT, "the policy asked for subdomains", "policy_published/sp"),
    Column("np", TEXT, "the policy asked for subdomains that do not exist", "policy_published/np"),
    Column("adkim", TEXT, "DKIM alignment asked for: r(elaxed) or s(trict)", "policy_published/adkim"),
    Column("aspf", TEXT, "SPF alignment asked for: r(elaxed) or s(trict)", "policy_published/aspf"),
    Column("pct", TEXT, "share of mail the policy is asked for (RFC 7489; gone in RFC 9990)", "policy_published/pct"),
    Column("testing", TEXT, "`y`: the owner asks that the policy be tested only (RFC 9990)", "policy_published/testing"),
)

RECORD_COLUMNS = (
    Column("line", SMALL, "the record's number in its report, from 1"),
    Column("source_ip", TEXT, "the address that sent, in canonical form; as written if it is none", "row/source_ip"),
    Column("count", INTEGER, "messages; null where none was given that can be believed", "row/count"),
    Column("disposition", TEXT, "what the receiver did: none, pass, quarantine, reject", "policy_evaluated/disposition"),
    Column("dkim_aligned", TRUTH, "the receiver says that DKIM passed and is aligned", "policy_evaluated/dkim"),
    Column("spf_aligned", TRUTH, "the receiver says that SPF passed and is aligned", "policy_evaluated/spf"),
    Column("dmarc_pass", TRUTH, "either of the two; null when neither is known to be and one is unknown"),
    Column("header_from", TEXT, "the author's domain", "identifiers/header_from"),
    Column("envelope_from", TEXT, "the domain of the envelope sender", "identifiers/envelope_from"),
    Column("envelope_to", TEXT, "the domain of the envelope recipient", "identifiers/envelope_to"),
    Column("reasons", REASONS, "why the disposition differs from the policy: a list of type, comment", "policy_evaluated/reason"),
    Column("dkim", DKIM, "every DKIM result: a list of domain, selector, result, human_result", "auth_results/dkim"),
    Column("spf", SPF, "every SPF result: a list of domain, scope, result, human_result", "auth_results/spf"),
)

RECORDS_SCHEMA = schema_of(*REPORT_COLUMNS, *RECORD_COLUMNS)

SPF_TODAY = list_of("domain", "result", "term")
KEYS_TODAY = list_of("domain", "selector", "state")
DNS_COLUMNS = (
    Column("ptr_name", TEXT, "the name of the address: the one that leads back to it, or else the first; by `source_ip` only"),
    Column("ptr_confirmed", TRUTH, "the name leads back to the address (iprev, RFC 8601); by `source_ip` only"),
    Column(
        "spf_today",
        SPF_TODAY,
        "what SPF says today of the address, for each domain of these messages: a list of domain, result, term; by `source_ip` only",
    ),
    Column(
        "dkim_today",
        KEYS_TODAY,
        "the keys that signed these messages, as they stand today: a list of domain, selector, state; by `source_ip` and `dkim_domain`",
    ),
)
"""What the DNS says today of a line of `sources`; null where nobody has asked."""

ALIGNMENT_COLUMNS = (
    Column("reporter", TEXT, "who reports"),
    Column("records", INTEGER, "how many records: the sum of the next three"),
    Column("agree", INTEGER, "of these, DKIM and SPF alignment are found as reported"),
    Column("disagree", INTEGER, "of these, one of them or both is found otherwise"),
    Column("unknown", INTEGER, "of these, nothing disagrees, and not all is known"),
    Column("dkim_disagree", INTEGER, "of these, DKIM alignment is found otherwise"),
    Column("spf_disagree", INTEGER, "of these, SPF alignment is found otherwise"),
    Column("psl_differs", INTEGER, "of these, the Public Suffix List and the tree walk come to different verdicts"),
    Column("messages", INTEGER, "messages of these records"),
    Column("examples", DataType.list(Field("element", TEXT, nullable=True)), "some disagreements, in words"),
)
ALIGNMENT_SCHEMA = schema_of(*ALIGNMENT_COLUMNS)

RECOMPUTED_COLUMNS = (
    Column("report_key", INTEGER, "the report's number in this store"),
    Column("line", SMALL, "the record's number in its report, from 1"),
    Column("reporter", TEXT, "who reports"),
    Column("source_ip", TEXT, "the address that sent"),
    Column("count", INTEGER, "messages"),
    Column("header_from", TEXT, "the author's domain"),
    Column("dkim_aligned", TRUTH, "as reported"),
    Column("dkim_recomputed", TRUTH, "as found by the tree walk; null where it cannot be known"),
    Column("dkim_by_psl", TRUTH, "as found by the Public Suffix List"),
    Column("dkim_why", TEXT, "what `dkim_recomputed` rests on"),
    Column("spf_aligned", TRUTH, "as reported"),
    Column("spf_recomputed", TRUTH, "as found by the tree walk; null where it cannot be known"),
    Column("spf_by_psl", TRUTH, "as found by the Public Suffix List"),
    Column("spf_why", TEXT, "what `spf_recomputed` rests on"),
    Column("standing", TEXT, "`agree`, `disagree` or `unknown`"),
)
RECOMPUTED_SCHEMA = schema_of(*RECOMPUTED_COLUMNS)

VERDICT_COLUMNS = (
    Column("class", TEXT, "what the message is to the owner: see docs/classes.md"),
    Column("sender", TEXT, "who sends: a service, one's own server, a domain, or hosts of which no name is known"),
    Column("rule", TEXT, "the rule that decided the class: see docs/classes.md"),
    Column("confidence", REAL, "how far the rule is to be trusted, from 0 to 1; it is no measured frequency"),
)
"""What is computed on reading of a record, with `--classified`; never stored."""

SENDER_COLUMNS = (
    Column("sender", TEXT, "the service or system that sends, or what is known of it"),
    Column("class", TEXT, "its class as a whole: `yours-needs-fixing` where more than 2 % of its mail that is yours fails"),
    Column("messages", INTEGER, "messages reported"),
    Column("dmarc_pass", INTEGER, "of these, passed DMARC"),
    Column("dkim_aligned", INTEGER, "of these, DKIM passed and is aligned"),
    Column("spf_aligned", INTEGER, "of these, SPF passed and is aligned"),
    Column("delivered", INTEGER, "of these, disposition `none` or `pass`"),
    Column("quarantined", INTEGER, "of these, disposition `quarantine`"),
    Column("rejected", INTEGER, "of these, disposition `reject`"),
    Column("overridden", INTEGER, "of these, the receiver gave a reason for not following the policy"),
    Column("needs_fixing", INTEGER, "of these, yours and failing"),
    Column("sources", INTEGER, "addresses"),
    Column("reporters", INTEGER, "how many reporters saw them"),
    Column("first_seen", TIME, "begin of the earliest period, UTC"),
    Column("last_seen", TIME, "end of the latest period, UTC"),
    Column("messages_before", INTEGER, "messages in as long a time before; null where there are no reports of that time"),
    Column("dmarc_pass_before", INTEGER, "of these, passed DMARC"),
    Column("confidence", REAL, "mean confidence of the verdicts"),
    Column("known_by", list_of_texts(), "what the name rests on"),
    Column("rules", list_of_texts(), "the rules that decided, the most common first"),
    Column("next_step", TEXT, "the one next step"),
)
SENDERS_SCHEMA = schema_of(*SENDER_COLUMNS)

LEDGER_COLUMNS = (
    Column("report_key", INTEGER, "the report's number in this store"),
    Column("reporter", TEXT, "who reports", "report_metadata/org_name"),
    Column("report_id", TEXT, "the reporter's own name for the report", "report_metadata/report_id"),
    Column("policy_domain", TEXT, "the domain at which the DMARC record was found", "policy_published/domain"),
    Column("period_begin", TIME, "begin of the period reported on, UTC", "date_range/begin"),
    Column("period_end", TIME, "end of the period reported on, UTC", "date_range/end"),
    Column("records", INTEGER, "how many records it holds"),
    Column("messages", INTEGER, "the sum of their counts"),
    Column("defects", DataType.list(Field("element", TEXT, nullable=True)), "every departure from the standard, in words"),
    Column("state", TEXT, "`stored`, `duplicate` or `superseded`"),
    Column("artefact", TEXT, "SHA-256 of the file or mail that brought it; its name in the spool"),
    Column("name", TEXT, "where that file or mail came from"),
    Column("member", TEXT, "the path inside it, empty for the file itself"),
    Column("email", TEXT, "the reporter's contact", "report_metadata/email"),
    Column("dialect", TEXT, "`rfc9990`, `rfc7489` or `draft`"),
    Column("mail_from", TEXT, "the author domain of the mail that brought it, where `authserv_ids` are configured"),
    Column("mail_verified", TRUTH, "whether a trusted host authenticated that domain; null where none spoke"),
    Column("mail_reason", TEXT, "the evidence for it"),
)

LEDGER_SCHEMA = schema_of(*LEDGER_COLUMNS)
