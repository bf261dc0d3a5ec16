"""Writes the vectors of this folder and ``expected.json``: ``python make.py``. Seeded: the same bytes each time.

Each row is a file, its bytes, why it is there, what its XML must hold, what must come out (path, kind, a word of a
note) and what must be refused (path, a word of the reason). XML is "whole" (one of the two reports below), "cut" (the
beginning of one) or "odd" (something else).
"""

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import quopri
import random
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
STAMP = (2026, 1, 2, 3, 4, 6)


def report(number: int, records: int = 2) -> bytes:
    """A small report of an invented domain."""
    rows = "".join(
        f"<record><row><source_ip>192.0.2.{index % 250}</source_ip><count>{index + 1}</count><policy_evaluated>"
        "<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers>"
        "<header_from>example.org</header_from></identifiers><auth_results><spf><domain>example.net</domain>"
        "<result>pass</result></spf></auth_results></record>\n"
        for index in range(records)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feedback><report_metadata><org_name>reporter.example</org_name>'
        f"<email>d@reporter.example</email><report_id>vector-{number}</report_id><date_range><begin>1767225600</begin>"
        f"<end>1767311999</end></date_range></report_metadata><policy_published><domain>example.org</domain><p>none</p>"
        f"</policy_published>\n{rows}</feedback>\n"
    ).encode()


ONE, TWO = report(1), report(2, 3)
LONG = report(3, 400)
TLS = json.dumps({"organization-name": "r.example", "date-range": {}, "report-id": "1", "policies": []}).encode()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name or "x", STAMP)
            info.compress_type = method
            info.filename = name
            archive.writestr(info, data, method)
    return buffer.getvalue()


def unseekable_zip(*members: tuple[str, bytes]) -> bytes:
    """As a streaming writer leaves it: sizes follow the data, none in the local header."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, *_: int) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, STAMP), data, zipfile.ZIP_DEFLATED)
    return pipe.getvalue()


def tarred(*members: tuple[str, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def b64(data: bytes, end: bytes = b"\r\n") -> bytes:
    return base64.encodebytes(data).replace(b"\n", end)


HEAD = b"From: d@reporter.example\r\nTo: dmarc@example.org\r\nSubject: Report Domain: example.org\r\nMIME-Version: 1.0\r\n"


def mail(content_type: str, body: bytes, encoding: str = "", more: str = "") -> bytes:
    fields = f"Content-Type: {content_type}\r\n" if content_type else ""
    fields += f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    return HEAD + fields.encode() + more.encode() + b"\r\n" + body


def part(content_type: str, body: bytes, encoding: str = "", more: str = "") -> bytes:
    return mail(content_type, body, encoding, more)[len(HEAD) :]


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "=_b1", end: bool = True) -> bytes:
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), one) for one in parts)
    body += b"--%s--\r\n" % boundary.encode() if end else b""
    return mail(f'multipart/{kind}; boundary="{boundary}"', body)


HELLO = part("text/plain", b"This is a report.\r\n")
ATTACHED = part("application/gzip", b64(gz(ONE)), "base64", 'Content-Disposition: attachment; filename="a.xml.gz"\r\n')
ATTACHED_ZIP = part("application/zip; name=b.zip", b64(zipped(("b.xml", TWO))), "base64")
ARF = "message/feedback-report"
COMPLAINT = part(ARF, b"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n")
FAILURE = part(ARF, b"Feedback-Type: auth-failure\r\nVersion: 1\r\nAuth-Failure: dmarc\r\n")
SPAM = part("message/rfc822", mail("text/plain", b"Spam\r\n"))


def uuencode(name: str, data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 " + name.encode() + b"\n" + b"".join(lines) + b"`\nend\n"


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def encrypted_zip() -> bytes:
    data = bytearray(zipped(("secret.xml", ONE), ("open.xml", TWO)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def quine() -> bytes:
    """A zip 13 times inside itself stands for the zip that holds itself."""
    data = ONE
    for _ in range(13):
        data = zipped(("again.zip", data), method=zipfile.ZIP_STORED)
    return data


def nested_multiparts(depth: int) -> bytes:
    parts = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth)]
    return HEAD + b"".join(parts) + HELLO + b"".join(b"\r\n--b%d--" % level for level in reversed(range(depth)))


def bomb(megabytes: int) -> bytes:
    packer, out = zlib.compressobj(9, zlib.DEFLATED, 31), []
    out.append(packer.compress(b"<?xml version='1.0'?><feedback>"))
    out.extend(packer.compress(bytes(1 << 20)) for _ in range(megabytes))
    return b"".join([*out, packer.flush()])


def slow_bomb() -> bytes:
    """100 MB at a ratio of about 290, so that the size ends it, not the ratio.

    The noise is the same each time, out of reach for the inner gzip and not for the outer: a small file.
    """
    noise = random.Random(1).randbytes(150)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = [packer.compress(b"<feedback>")]
    for _ in range(1536):
        out.append(packer.compress(noise + bytes((1 << 16) - len(noise))))
        out.append(packer.flush(zlib.Z_FULL_FLUSH))
    return gz(b"".join([*out, packer.flush()]))


def wide_bomb() -> bytes:
    """One member that many directory entries point to: 15 MB each, below the floor of the ratio, 300 MB together."""
    one = zipped(("a.xml", b"<feedback>" + bytes(15 << 20)))
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    directory = one[start:end] * 20
    return one[:start] + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20, 20, len(directory), start, 0)


def work_bomb() -> bytes:
    """As ``wide_bomb``, with forty members that are no report: nothing of them is kept, and the work still ends."""
    one = zipped(("a.txt", b"a" * (15 << 20)))
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    directory = one[start:end] * 40
    return one[:start] + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 40, 40, len(directory), start, 0)


def many_members() -> bytes:
    return gz(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * 20_100 + b"--b--\r\n")


SECTOR = 512
FREE, CHAIN_END, FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
Node = tuple[str, "bytes | list[Node]"]


def ole(tree: "list[Node]") -> bytes:
    """A compound file (MS-CFB) of 512-byte sectors; small streams go into the mini stream, as the format demands."""
    entries: list[list[object]] = [["Root Entry", 5, FREE, FREE, FREE, 0, 0]]
    streams: list[tuple[int, bytes]] = []

    def add(nodes: "list[Node]", parent: int) -> None:
        numbers = []
        for name, content in nodes:
            number = len(entries)
            numbers.append(number)
            entries.append([name, 1 if isinstance(content, list) else 2, FREE, FREE, FREE, 0, 0])
            if isinstance(content, list):
                add(content, number)
            else:
                streams.append((number, content))
        entries[parent][4] = balanced(numbers)

    def balanced(numbers: list[int]) -> int:
        """Siblings hang on each other as a binary tree; returns its top."""
        if not numbers:
            return FREE
        middle = len(numbers) // 2
        entries[numbers[middle]][2:4] = balanced(numbers[:middle]), balanced(numbers[middle + 1 :])
        return numbers[middle]

    add(tree, 0)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini = b""
    mini_fat: list[int] = []

    def store(data: bytes) -> int:
        first = len(sectors)
        pieces = [data[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(data), SECTOR)]
        sectors.extend(pieces)
        fat.extend([*range(first + 1, first + len(pieces)), CHAIN_END])
        return first

    for number, data in streams:
        entries[number][6] = len(data)
        if len(data) >= 4096:
            entries[number][5] = store(data)
            continue
        entries[number][5] = len(mini_fat)
        count = (len(data) + 63) // 64
        mini_fat.extend([*range(len(mini_fat) + 1, len(mini_fat) + count), CHAIN_END][:count])
        mini += data.ljust(count * 64, b"\0")
    entries[0][5], entries[0][6] = store(mini), len(mini)
    mini_fat_at = store(struct.pack(f"<{len(mini_fat)}L", *mini_fat).ljust(-(-len(mini_fat) // 128) * SECTOR, b"\xff"))
    directory = b"".join(
        str(name).encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<H2B3L16sL16sLQ", 2 * len(str(name)) + 2, kind, 1, left, right, child, b"", 0, b"", start, size)
        for name, kind, left, right, child, start, size in entries
    )
    directory_at = store(directory.ljust(-(-len(directory) // SECTOR) * SECTOR, b"\0"))
    count = next(count for count in range(1, 110) if (len(fat) + count) * 4 <= count * SECTOR)
    fat.extend([FAT_SECTOR] * count)
    head = struct.pack(
        "<8s16s5H6s9L", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6, b"", 0, count, directory_at, 0, 4096,
        mini_fat_at, -(-len(mini_fat) // 128), CHAIN_END, 0,
    )  # fmt: skip
    difat = struct.pack("<109L", *range(len(sectors), len(sectors) + count), *[FREE] * (109 - count))
    return head + difat + b"".join(sectors) + struct.pack(f"<{len(fat)}L", *fat).ljust(count * SECTOR, b"\xff")


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


def attachment(number: int, name: str, *content: Node) -> Node:
    return (f"__attach_version1.0_#{number:08X}", [("__substg1.0_3707001F", wide(name)), *content])


DATA = "__substg1.0_37010102"
PROPERTIES: Node = ("__properties_version1.0", bytes(32))
BODY: Node = ("__substg1.0_1000001F", wide("A report is attached."))


Row = tuple[str, bytes, str, str, list[tuple[str, str, str]], list[tuple[str, str]]]
X = "xml"
UNKNOWN = "not recognisable"


def plain_rows() -> Iterator[Row]:
    wide_report = ONE.decode().replace("UTF-8", "UTF-16")
    yield "001-plain.xml", ONE, "an artefact may be the report itself", "whole", [("", X, "")], []
    yield "002-byte-order-mark.xml", b"\xef\xbb\xbf" + ONE, "Windows tools write one", "odd", [("", X, "")], []
    yield "003-blanks-before.xml", b"\r\n\r\n \x00" + ONE, "not well formed, and a report", "odd", [("", X, "")], []
    yield "004-stray-bytes-before.xml", b"\x07\x1cabc" + ONE, "junk before the root", "odd", [("", X, "")], []
    yield "005-utf-16-without-mark.xml", wide_report.encode("utf-16-be"), "UTF-16 by its NULs", "odd", [("", X, "")], []
    yield "006-prefixed-root.xml", b'<d:feedback xmlns:d="u"/>', "a namespace prefix", "odd", [("", X, "")], []
    yield (
        "007-page.html",
        b"<!DOCTYPE html><html></html>",
        "an error page in place of a report",
        "",
        [("", "html", "")],
        [],
    )
    yield (
        "008-picture.svg",
        b'<?xml version="1.0"?><svg xmlns="u"/>',
        "XML, and a picture",
        "",
        [("", "picture", "")],
        [],
    )
    yield "009-empty.xml", b"", "a download that brought nothing", "", [], [("", "empty")]


def stream_rows() -> Iterator[Row]:
    packed, long = gz(ONE), gz(LONG)
    half = len(ONE) // 2
    members = gz(ONE[:half]) + gz(ONE[half:])
    yield "010-one-member.xml.gz", packed, "RFC 9990's usual container", "whole", [("", X, "")], []
    yield "011-two-members.xml.gz", members, "RFC 1952 §2.2: members make one", "whole", [("", X, "")], []
    yield "012-zeros-after.gz", packed + bytes(64), "padded to a block", "whole", [("", X, "64 bytes of zeros")], []
    yield "013-junk-after.gz", packed + b"\r\njunk", "a mail's end after it", "whole", [("", X, "6 bytes of junk")], []
    yield "014-cut-short.gz", long[:1500], "whole records are still in it", "cut", [("", X, "cut short")], []
    yield "015-damaged.gz", flipped(long, 1500), "records before the damage count", "cut", [("", X, "")], []
    yield "016-wrong-checksum.gz", flipped(packed, len(packed) - 6), "data is whole", "whole", [("", X, "checksum")], []
    yield "017-twice.gz", gz(packed), "compressed by two programs", "whole", [("", X, "")], []
    yield "018-header-only.gz", packed[:10], "nothing came", "", [], [("", "cut short")]
    yield "019-file-name-and-comment.gz", _named_gz(), "flags of RFC 1952 §2.3", "whole", [("", X, "checksum")], []
    yield "030-bare.zlib", zlib.compress(ONE), "zlib where gzip is meant", "whole", [("", X, "zlib")], []
    yield "031-plain.bz2", bz2.compress(ONE), "not in RFC 9990, and cheap", "whole", [("", X, "bzip2")], []
    yield "032-plain.xz", lzma.compress(ONE), "not in RFC 9990, and cheap", "whole", [("", X, "xz")], []
    yield "033-body-alone.b64", b64(packed), "a part saved without its header", "whole", [("", X, "base64")], []


def _named_gz() -> bytes:
    packed = gz(ONE)
    return flipped(packed[:3] + b"\x18" + packed[4:10] + b"a.xml\0note\0" + packed[10:], len(packed) + 11 - 6)


def zip_rows() -> Iterator[Row]:
    both = (("a.xml", ONE), ("d/b.xml", TWO))
    ab = [("a.xml", X, ""), ("d/b.xml", X, "")]
    archive = zipped(*both)
    cut = archive[: archive.index(b"PK\x01\x02")]
    found = [("a.xml", X, "local header"), ("d/b.xml", X, "local header")]
    streamed = unseekable_zip(*both)
    mac = zipped(("d/", b""), ("d/b.xml", TWO), ("__MACOSX/d/._b.xml", b"\0\5\x16\7junk"), ("d/.DS_Store", b"\0\1\2"))
    others = [("__MACOSX/d/._b.xml", "other", ""), ("d/.DS_Store", "other", "")]
    yield "020-two-reports.zip", archive, "every report counts", "whole", ab, []
    yield (
        "021-folder-and-mac-files.zip",
        mac,
        "Finder's files are no reports",
        "whole",
        [("d/b.xml", X, ""), *others],
        [],
    )
    yield "022-member-without-name.zip", zipped(("", ONE)), "seen in the wild", "whole", [("", X, "")], []
    yield "023-junk-around.zip", b"\x01junk" + archive + b"\r\n--b--", "shifts every offset", "whole", ab, []
    yield "024-cut-short.zip", cut, "no central directory", "whole", found, []
    yield "025-cut-short-streamed.zip", streamed[: streamed.index(b"PK\x01\x02")], "nor sizes", "whole", found, []
    crc = flipped(zipped(("a.xml", ONE)), zipped(("a.xml", ONE)).index(b"PK\x01\x02") + 16)
    yield "026-wrong-checksum.zip", crc, "data is whole", "whole", [("a.xml", X, "checksum")], []
    secret = [("secret.xml", "encrypted")]
    yield "027-one-encrypted.zip", encrypted_zip(), "its neighbour is read", "whole", [("open.xml", X, "")], secret
    gz_inside = zipped(("a.xml.gz", gz(ONE)), ("b.zip", zipped(("b.xml", TWO))))
    inside = [("a.xml.gz", X, ""), ("b.zip/b.xml", X, "")]
    yield "028-archives-inside.zip", gz_inside, "packed by two programs", "whole", inside, []
    mixed = zipped(("r.xml", ONE), ("n.txt", b"see r.xml"), ("p.png", PNG), ("t.json", TLS), ("e.xml", b""), ("x", b"\1\2"))
    kinds = [("r.xml", X, ""), ("n.txt", "text", ""), ("p.png", "picture", ""), ("t.json", "tls-report", "")]
    yield "029-all-sorts.zip", mixed, "each member ends somewhere", "whole", kinds, [("e.xml", "empty"), ("x", UNKNOWN)]
    yield "063-only-a-folder.zip", zipped(("d/", b"")), "no member", "", [], [("", "nothing in it")]
    astray = archive[:-6] + struct.pack("<LH", 0xFFFF0000, 0)
    yield "064-offset-astray.zip", astray, "an offset before the start", "whole", found, []
    yield "034-streamed.zip", streamed, "as Java and Go write them", "whole", ab, []
    yield "035-zip.gz", gz(archive), "a zip in gzip", "whole", ab, []
    yield "036-folder-of-reports.tar", tarred(("d/", b""), *both), "an export of a mailbox", "whole", ab, []
    deep = "x" * 90 + "/" + "y" * 60 + ".xml"
    long_names = gz(tarred((deep, ONE), form=tarfile.GNU_FORMAT))
    yield "037-long-name.tar.gz", long_names, "GNU's long names", "whole", [(deep, X, "")], []


def mail_rows() -> Iterator[Row]:
    a, b = ("a.xml.gz", X, ""), ("b.zip/b.xml", X, "")
    text = ("part-1", "text", "")
    usual = multipart(HELLO, ATTACHED)
    soft = quopri.encodestring(ONE).replace(b"\n", b"\r")
    yield (
        "038-quoted-printable-cr.eml",
        mail("text/xml", soft, "quoted-printable").replace(b"\r\n", b"\r"),
        "bare CR",
        "odd",
        [("", X, "")],
        [],
    )
    yield (
        "039-two-attachments.eml",
        multipart(HELLO, ATTACHED, ATTACHED_ZIP),
        "all parts count",
        "whole",
        [text, a, b],
        [],
    )
    yield "040-lf.eml", usual.replace(b"\r\n", b"\n"), "as most disks hold it", "whole", [text, a], []
    yield (
        "041-mbox-line-and-blanks.eml",
        b"\r\n\r\nFrom x Thu Jan  1 00:00:00 2026\r\n" + usual,
        "mbox",
        "whole",
        [text, a],
        [],
    )
    yield (
        "042-sole-body.eml",
        mail("application/zip", b64(zipped(("a.xml", ONE))), "base64"),
        "Google",
        "whole",
        [("a.xml", X, "")],
        [],
    )
    yield "043-no-end-delimiter.eml", multipart(HELLO, ATTACHED, end=False), "cut on the way", "whole", [text, a], []
    yield (
        "044-octet-stream.eml",
        mail("application/octet-stream", b64(ONE), "base64"),
        "no type",
        "whole",
        [("", X, "")],
        [],
    )
    yield "045-no-boundary.eml", usual.replace(b'; boundary="=_b1"', b""), "parameter lost", "whole", [text, a], []
    yield "046-wrong-boundary.eml", usual.replace(b'"=_b1"', b'"=_other"'), "rewritten header", "whole", [text, a], []
    yield "047-report-after-end.eml", usual + ONE, "outside of the letter", "odd", [text, a, ("part-3", X, "")], []
    glued = multipart(HELLO, b"Content-Type: text/xml\r\n" + ONE)
    yield "048-no-blank-line.eml", glued, "a part's header runs into it", "odd", [text, ("part-2", X, "")], []
    yield "049-inline.eml", mail("text/plain", b"Dear owner,\r\n\r\n" + ONE), "in the text", "odd", [("", X, "")], []
    name = part(
        "application/gzip",
        b64(gz(ONE)),
        "base64",
        "Content-Disposition: attachment;\r\n filename*0*=utf-8''a%C3%A4;\r\n filename*1=b.gz\r\n",
    )
    yield "050-rfc-2231-name.eml", multipart(name), "a name in pieces", "whole", [("aäb.gz", X, "")], []
    forwarded = multipart(HELLO, part("message/rfc822", usual), boundary="=_outer")
    there = ("part-2/a.xml.gz", X, "")
    yield "051-forwarded.eml", forwarded, "a mail in a mail", "whole", [text, ("part-2/part-1", "text", ""), there], []
    p7s = part("application/pkcs7-signature; name=s.p7s", b64(b"\x30\x82\1\2\3"), "base64")
    signed = multipart(part('multipart/mixed; boundary="=_b1"', usual.split(b"\r\n\r\n", 1)[1]), p7s, kind="signed", boundary="=_b")
    yield "052-signed.eml", signed, "S/MIME around it", "whole", [text, a, ("s.p7s", "other", "")], []
    yield "053-not-base64.eml", mail("text/xml", ONE, "base64"), "wrong encoding", "whole", [("", X, "not")], []
    yield (
        "054-uuencoded.eml",
        mail("text/plain", b"hi\n\n" + uuencode("a.gz", gz(ONE))),
        "very old mailer",
        "whole",
        [("a.gz", X, "")],
        [],
    )
    yield (
        "055-complaint.eml",
        multipart(HELLO, COMPLAINT, SPAM, kind="report"),
        "RFC 5965",
        "",
        [("part-2", "abuse-report", "")],
        [],
    )
    yield (
        "056-failure.eml",
        multipart(HELLO, FAILURE, SPAM, kind="report"),
        "RFC 6591",
        "",
        [("part-2", "failure-report", "")],
        [],
    )
    tls = part("application/tlsrpt+gzip; name=t.json.gz", b64(gz(TLS)), "base64")
    yield (
        "057-tls.eml",
        multipart(HELLO, tls, kind="report"),
        "RFC 8460",
        "",
        [text, ("t.json.gz", "tls-report", "")],
        [],
    )
    none = multipart(HELLO, part("image/png", b64(PNG), "base64"))
    yield "058-without-report.eml", none, "somebody answers", "", [("", "mail-without-report", "")], []
    tnef = multipart(HELLO, part("application/ms-tnef; name=winmail.dat", b64(b"\x78\x9f\x3e\x22" + bytes(20)), "base64"))
    yield "059-winmail.eml", tnef, "Outlook's wrapper", "", [text], [("winmail.dat", "TNEF")]
    two = b"From x Thu Jan  1 00:00:00 2026\n" + usual.replace(b"\r\n", b"\n")
    mbox = [
        ("mail-1/part-1", "text", ""),
        ("mail-1/a.xml.gz", X, ""),
        ("mail-2/part-1", "text", ""),
        ("mail-2/a.xml.gz", X, ""),
    ]
    yield "060-two-mails.mbox", two + b"\n" + two, "an export", "whole", mbox, []
    pieces = b"".join(base64.b64encode(gz(ONE)[at : at + 50]) + b"\r\n" for at in range(0, len(gz(ONE)), 50))
    yield (
        "061-padded-pieces.eml",
        mail("application/gzip", pieces, "base64"),
        "each line padded",
        "whole",
        [("", X, "")],
        [],
    )
    lost = multipart(HELLO, part("text/xml", ONE)).replace(b"--=_b1\r\n", b"--=_b1 junk\r\n").replace(b"--=_b1--", b"")
    yield "065-delimiters-mangled.eml", lost, "no delimiter is a line of its own", "odd", [("", X, "")], []
    stuffed = mail("text/xml", ONE, more="X-Long: " + "x" * 300_000 + "\r\n")
    yield "062-long-header.eml.gz", gz(stuffed), "MAX_HEADER_BYTES", "whole", [("", X, "")], []


def msg_rows() -> Iterator[Row]:
    inner: list[Node] = [PROPERTIES, attachment(0, "b.zip", (DATA, zipped(("b.xml", TWO))))]
    message: list[Node] = [
        PROPERTIES,
        BODY,
        attachment(0, "a.xml.gz", (DATA, gz(ONE))),
        attachment(1, "inner.msg", ("__substg1.0_3701000D", inner)),
    ]
    leaves = [("a.xml.gz", X, ""), ("inner.msg/b.zip/b.xml", X, ""), ("body", "text", "")]
    large = [PROPERTIES, attachment(0, "a.xml", (DATA, report(4, 20)))]
    yield "070-outlook.msg", ole(message), "attachments, embedded too", "whole", leaves, []
    yield "071-outlook-large.msg", ole(large), "a stream of whole sectors", "odd", [("a.xml", X, "")], []
    yield "072-outlook-text.msg", ole([PROPERTIES, BODY]), "somebody answers", "", [("", "mail-without-report", "")], []
    endless = bytearray(ole([PROPERTIES, BODY]))
    endless[64:68] = b"\xff\xff\xff\x7f"
    yield "074-endless-table.msg", bytes(endless), "a count of 2**31 sectors", "", [], [("", "does not fit")]
    crowd = gz(ole([PROPERTIES, *((f"s{number}", b"x") for number in range(2_001))]))
    yield "075-many-streams.msg.gz", crowd, "MAX_STREAMS", "", [], [("", "MAX_STREAMS")]
    yield "073-not-outlook.doc", ole([("WordDocument", bytes(100))]), "OLE, but Word", "", [], [("", "Office document")]


def bomb_rows() -> Iterator[Row]:
    yield "080-ratio.xml.gz", bomb(64), "MAX_RATIO: ends at 16 MiB", "", [], [("", "MAX_RATIO")]
    yield "081-size.gz.gz", slow_bomb(), "MAX_LEAF_BYTES: ratio of 290", "", [], [("", "MAX_LEAF_BYTES")]
    yield (
        "082-shared-member.zip",
        wide_bomb(),
        "MAX_RATIO over all members",
        "odd",
        [("a.xml", X, "")],
        [("a.xml", "MAX_RATIO")] * 19,
    )
    yield (
        "083-work.zip",
        work_bomb(),
        "MAX_TOTAL_BYTES",
        "",
        [("a.txt", "text", "")] * 34,
        [("a.txt", "MAX_TOTAL_BYTES")] * 6,
    )
    yield "084-many-parts.eml.gz", many_members(), "MAX_MEMBERS", "", [], [("", "MAX_MEMBERS")]
    yield "085-inside-each-other.zip", quine(), "MAX_DEPTH", "", [], [("/".join(["again.zip"] * 12), "MAX_DEPTH")]
    yield "086-nested-multiparts.eml", nested_multiparts(1000), "MAX_DEPTH", "", [], [("", "MAX_DEPTH")]


def main() -> None:
    expected = {}
    for rows in (plain_rows, stream_rows, zip_rows, mail_rows, msg_rows, bomb_rows):
        for name, data, why, holds, leaves, refusals in rows():
            (HERE / name).write_bytes(data)
            expected[name] = {"why": why, "report": holds, "leaves": leaves, "refusals": refusals}
    text = json.dumps(expected, indent=1, ensure_ascii=False)
    (HERE / "expected.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(expected)} vectors\n")


if __name__ == "__main__":
    main()
