"""A small world of reports about a few sources, and the DNS about them as zone files."""

from pathlib import Path

from dmarcscope.lookup.settings import DnsSettings

DAY = 86_400
FIRST_DAY = 1_777_852_800  # 2026-05-04 00:00 UTC

# Addresses are public ones, as others are never asked about; nothing here leaves the machine.
ZONE = """\
$TTL 300
@ IN SOA ns.example.com. admin.example.com. 1 7200 3600 604800 60
"""
ZONES = {
    "com": ZONE,
    "example": ZONE + 'vendor TXT "v=spf1 ip4:9.9.9.0/24 -all"\n_dmarc.vendor TXT "v=DMARC1; p=none"\nout.vendor A 9.9.9.9\n',
    "example.com": ZONE
    + '@ TXT "v=spf1 include:spf.example.com -all"\nspf TXT "v=spf1 ip4:8.8.8.8 -all"\n_dmarc TXT "v=DMARC1; p=reject"\n'
    + "mail A 8.8.8.8\nnews MX 10 mail\n"
    + 's1._domainkey TXT "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\nold._domainkey TXT "v=DKIM1; p="\n',
    "in-addr.arpa": ZONE + "8.8.8.8 PTR mail.example.com.\n9.9.9.9 PTR out.vendor.example.\n7.7.7.7 PTR mail.example.com.\n",
}


def record(
    ip: str,
    *,
    author: str = "example.com",
    dkim: str = "",
    spf: str = "example.com",
    count: int = 1,
    verdicts: tuple[str, str] = ("fail", "fail"),
) -> str:
    """One record; ``dkim`` is «selector@domain», signatures that passed; ``spf`` the domain of an envelope that passed."""
    signatures = "".join(
        f"<dkim><domain>{one.partition('@')[2]}</domain><selector>{one.partition('@')[0]}</selector><result>pass</result></dkim>"
        for one in dkim.split()
    )
    return (
        f"<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition>"
        f"<dkim>{verdicts[0]}</dkim><spf>{verdicts[1]}</spf></policy_evaluated></row>"
        f"<identifiers><header_from>{author}</header_from></identifiers>"
        f"<auth_results>{signatures}<spf><domain>{spf}</domain><result>pass</result></spf></auth_results></record>"
    )


RECORDS = (
    record("8.8.8.8", dkim="s1@example.com", count=50, verdicts=("pass", "pass")),
    record("9.9.9.9", dkim="gone@example.com", spf="vendor.example", count=20),
    record("7.7.7.7", author="news.example.com", dkim="old@example.com", count=5),
    record("6.6.6.6", spf="nowhere.example", count=2),
    record("192.168.0.1", count=1),
)


def report(*records: str, number: int = 0, reporter: str = "mill.example") -> bytes:
    """A report of these records."""
    begin = FIRST_DAY + number * DAY
    return (
        f"<feedback><report_metadata><org_name>{reporter}</org_name><report_id>{number}</report_id><date_range><begin>{begin}</begin>"
        f"<end>{begin + DAY - 1}</end></date_range></report_metadata><policy_published><domain>example.com</domain><p>none</p>"
        f"</policy_published>{''.join(records or RECORDS)}</feedback>"
    ).encode()


def zone_files(folder: Path, **changed: str) -> tuple[Path, ...]:
    """The zones as files; ``changed`` replaces some, «__» in a name standing for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    zones = {**ZONES, **{name.replace("__", "."): text for name, text in changed.items()}}
    for origin, text in zones.items():
        (folder / f"{origin}.zone").write_text(text)
    return tuple(folder / f"{origin}.zone" for origin in zones)


def offline(folder: Path, **changed: str) -> DnsSettings:
    """Settings that answer from the zones alone."""
    return DnsSettings(offline=True, zone_files=zone_files(folder, **changed))
