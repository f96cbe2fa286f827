# SPDX-License-Identifier: Apache-2.0
"""nginx, Apache and HAProxy as children in the foreground, and what calls them, each in the network
namespace of its caller, with files of its own alone."""

import os
import pathlib
import signal
import subprocess
import tempfile

from support.polling import wait_until
from support.server import DIES_WITH_US

_NGINX = """
daemon off; user root; pid {directory}/pid; worker_processes 2;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  {http}
}}
"""

# What Debian's apache2.conf, mpm_event.conf and reqtimeout.conf have.
_APACHE = """
ServerName localhost
PidFile {directory}/pid
DefaultRuntimeDir {directory}
ErrorLog {directory}/error.log
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule reqtimeout_module /usr/lib/apache2/modules/mod_reqtimeout.so
Timeout 300
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 5
StartServers 2
MinSpareThreads 25
MaxSpareThreads 75
ThreadLimit 64
ThreadsPerChild 25
MaxRequestWorkers 150
MaxConnectionsPerChild 0
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=10,minrate=500
DocumentRoot {directory}/htdocs
Listen {listen}
"""

_HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
{rest}
"""


class _Child:
    def __init__(self, text, *command):
        self._directory = tempfile.TemporaryDirectory(prefix="sockdiag_e2e_server_")
        self.path = pathlib.Path(self._directory.name)
        os.chmod(self.path, 0o755)  # workers may be somebody else
        (self.path / "htdocs").mkdir()
        (self.path / "htdocs" / "index.html").write_text("hello\n", encoding="ascii")
        (self.path / "conf").write_text(text.format(directory=self.path), encoding="ascii")
        with open(self.path / "output", "wb") as output:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, *(word.format(directory=self.path) for word in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._directory.cleanup()

    def wait_until_it_says(self, text):
        wait_until(lambda: text in (self.path / "output").read_text(), text)

    def stop_workers(self):
        self._signal_workers(signal.SIGSTOP)

    def continue_workers(self):
        self._signal_workers(signal.SIGCONT)

    def _signal_workers(self, number):
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for worker in children.read_text().split():
            os.kill(int(worker), number)

    def wait_until_it_answers(self, url):
        def answers():
            if self._process.poll() is not None:
                raise AssertionError((self.path / "output").read_text())
            return curl(url) == 0

        wait_until(answers, f"{url} to answer")
        return self


def nginx(http):
    """`http` is what the block of that name has besides places for files."""
    text = _NGINX.replace("{http}", http.replace("{", "{{").replace("}", "}}"))
    return _Child(text, "nginx", "-p", "{directory}", "-e", "stderr", "-c", "{directory}/conf")


def apache(address, port):
    text = _APACHE.replace("{listen}", f"{address}:{port}")
    return _Child(text, "apache2", "-DFOREGROUND", "-f", "{directory}/conf")


def haproxy(rest):
    return _Child(_HAPROXY.replace("{rest}", rest), "haproxy", "-db", "-f", "{directory}/conf")


def curl(url, *flags):
    """One request on a connection of its own. Returns the exit status."""
    command = [*DIES_WITH_US, "curl", "-s", "-o", "/dev/null", "-m", "10", *flags, url]
    return subprocess.run(command, check=False).returncode


def curl_many(url, requests):
    """One after the other, on one connection."""
    command = [*DIES_WITH_US, "curl", "-s", "-o", "/dev/null", f"{url}?[1-{requests}]"]
    subprocess.run(command, check=True)


def ab(url, requests, at_a_time=5):
    """HTTP/1.0, a connection for each request."""
    command = ["ab", "-q", "-n", str(requests), "-c", str(at_a_time), url]
    subprocess.run([*DIES_WITH_US, *command], check=True, capture_output=True)


class Wrk:
    """Keeps its connections and asks on them, one request after the other, until it is stopped."""

    def __init__(self, url, connections=5):
        command = ["wrk", "-t1", f"-c{connections}", "-d1h", "--timeout", "10s", url]
        self._process = subprocess.Popen(
            [*DIES_WITH_US, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def stop(self):
        self._process.kill()
        self._process.wait()
