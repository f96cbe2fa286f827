# SPDX-License-Identifier: Apache-2.0
"""Certificates made with openssl(1), and bcrypt hashes made with htpasswd(1)."""

import pathlib
import subprocess
import tempfile


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def bcrypt(password, cost=4):
    """The hash of a password, as htpasswd -B writes it."""
    done = subprocess.run(
        ["htpasswd", "-nbBC", str(cost), "user", password], check=True, capture_output=True
    )
    return done.stdout.decode().strip().partition(":")[2]


class Authority:
    """A certificate authority with a directory of its own."""

    def __init__(self, name):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_ca_")
        self.path = pathlib.Path(self._directory.name)
        self.certificate = self.path / "ca.crt"
        self._key = self.path / "ca.key"
        _openssl(
            *("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.certificate),
            *("-subj", f"/CN={name}", "-days", "2"),
        )

    def issue(self, name, sans="IP:127.0.0.1", usage="serverAuth", days=2):
        """Returns the paths of a certificate and its key. A negative `days` has it expired."""
        request, certificate, key = (self.path / f"{name}.{end}" for end in ("csr", "crt", "key"))
        extensions = self.path / f"{name}.ext"
        extensions.write_text(f"subjectAltName={sans}\nextendedKeyUsage={usage}\n", encoding="ascii")
        _openssl("req", *_NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key),
            *("-CAcreateserial", "-out", certificate, "-extfile", extensions, "-days", days),
        )
        return certificate, key

    def client(self, name, **options):
        return self.issue(name, sans=f"DNS:{name}", usage="clientAuth", **options)

    def remove(self):
        self._directory.cleanup()


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
