"""Who signs the certificates of the tests' servers and clients? An authority of their own, made when it is needed."""

import shutil
import subprocess
from pathlib import Path

from tests.servers.process import NoServer

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Signs certificates into a folder: `ca` is its own, in PEM; NoServer where there is no openssl."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        if shutil.which("openssl") is None:
            raise NoServer("there is no openssl to make certificates")
        self._folder = folder
        self.ca = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        self._openssl("req", "-x509", *_KEY, "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca)

    def signed(self, name: str, host: str = "IP:127.0.0.1") -> Path:
        """The PEM file with a new private key and its certificate, for one host."""
        key, asked, extra, signed = (self._folder / f"{name}.{part}" for part in ("key", "csr", "ext", "crt"))
        extra.write_text(f"subjectAltName={host}\n")
        self._openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", asked)
        by = ("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-extfile", extra)
        self._openssl("x509", "-req", "-in", asked, *by, "-out", signed)
        both = self._folder / f"{name}.pem"
        both.write_bytes(key.read_bytes() + signed.read_bytes())
        return both

    def _openssl(self, *arguments: str | Path) -> None:
        done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise NoServer(f"openssl {arguments[0]} failed: {done.stderr[-500:]}")
