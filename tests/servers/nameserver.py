"""A real authoritative name server (nsd) on loopback, as a process of the test's own."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import pytest

PATIENCE = 20.0  # seconds until it has started or reloaded; it takes 0.1
PROGRAM = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin:/usr/local/sbin")

CONFIG = """\
server:
    ip-address: 127.0.0.1@{port}
    server-count: 1
    do-ip6: no
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    logfile: "{folder}/nsd.log"
    zonelistfile: "{folder}/zone.list"
    xfrdfile: "{folder}/xfrd.state"
    database: ""
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
"""

SOA = """\
$ORIGIN {origin}.
$TTL 300
@ 3600 IN SOA ns.{origin}. hostmaster.{origin}. {serial} 7200 3600 604800 60
@ IN NS ns.{origin}.
"""


def need_nsd():
    """Skips the test, or fails it where the servers must be there, if nsd is not installed."""
    if PROGRAM is not None:
        return
    if os.environ.get("DMARCSCOPE_REQUIRE_SERVERS") == "1":
        pytest.fail("nsd is not installed, and DMARCSCOPE_REQUIRE_SERVERS=1")
    pytest.skip("NOT TESTED: nsd is not installed (Debian: apt-get install nsd)")


def free_port() -> int:
    """A port that neither UDP nor TCP uses on 127.0.0.1 now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class NameServer:
    """nsd with zones: the name of each → its records in master-file form; SOA and NS are added, unless the text has a SOA.

    As a context manager: runs within the block. ``host`` and ``port`` say where.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, zones: dict[str, str]):
        need_nsd()
        self.folder = folder
        self.zones = dict(zones)
        self.port = 0
        self._serial = 1
        self._process: subprocess.Popen | None = None

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Write everything, start, and wait until it answers. The port stays the same when it is started again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        self._write()
        with (self.folder / "nsd.err").open("wb") as complaints:
            command = [PROGRAM, "-d", "-c", str(self.folder / "nsd.conf")]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints)
        self._wait()

    def stop(self):
        """Stop this process, and no other."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def change(self, zones: dict[str, str]):
        """Serve other zones, or others' records: whole zones are replaced, those not named stay."""
        new = zones.keys() - self.zones.keys()
        self.zones.update(zones)
        self._serial += 1
        if new:  # nsd reads its list of zones only when it starts
            self.stop()
            self.start()
            return
        self._write()
        self._process.send_signal(1)  # SIGHUP: read the changed zone files
        self._wait()

    def _write(self):
        config = [CONFIG.format(port=self.port, folder=self.folder)]
        for origin, text in self.zones.items():
            path = self.folder / f"{origin}.zone"
            head = "" if " SOA " in text else SOA.format(origin=origin, serial=self._serial)
            path.write_text(head + text)
            config.append(f'zone:\n    name: "{origin}"\n    zonefile: "{path.name}"\n')
        (self.folder / "nsd.conf").write_text("\n".join(config))

    def _wait(self):
        """Until every zone of ours is served as it was written last."""
        until = time.monotonic() + PATIENCE
        for origin, text in self.zones.items():
            wanted = None if " SOA " in text else self._serial
            while (serial := self._serial_of(origin)) is None or wanted not in {None, serial}:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self.folder / "nsd.err").read_text() + (self.folder / "nsd.log").read_text()
                    pytest.fail(f"nsd does not serve {origin}: {log[-2000:]}")
                time.sleep(0.02)

    def _serial_of(self, origin: str) -> int | None:
        question = dns.message.make_query(origin, "SOA")
        try:
            answer = dns.query.udp(question, self.host, port=self.port, timeout=0.5)
        except (dns.exception.DNSException, OSError):
            return None
        return answer.answer[0][0].serial if answer.answer else None
