# SPDX-License-Identifier: Apache-2.0
""".ci/rooms on small trees: it accepts what the rooms may know, and names the line of all else."""

import pathlib
import subprocess
import tempfile
import textwrap
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / ".ci/rooms"

# Every room that is needed to break every rule, and nothing forbidden.
GOOD = {
    "include/sockdiag/core/port.hpp": '#include "sockdiag/core/number.hpp"',
    "include/sockdiag/core/number.hpp": "#include <cstdint>",
    "include/sockdiag/http/server.hpp": "#pragma once",
    "include/sockdiag/cli/cli.hpp": "#pragma once",
    "src/core/port.cpp": '#include "sockdiag/core/port.hpp"',
    "src/netlink/dump.cpp": '#include <linux/netlink.h>\n#include "dump.hpp"',
    "src/netlink/dump.hpp": '#include "sockdiag/core/port.hpp"',
    "src/http/server.cpp": '#include "sockdiag/http/server.hpp"\n#include <civetweb.h>',
    "src/pages/pages.cpp": '#include "sockdiag/http/server.hpp"',
    "src/cli/cli.cpp": '#include "sockdiag/cli/cli.hpp"',
    "src/main.cpp": '#include "sockdiag/cli/cli.hpp"',
    "src/CMakeLists.txt": """\
        target_link_libraries(sockdiag_core PUBLIC sockdiag_settings)
        target_link_libraries(sockdiag_netlink
            PUBLIC sockdiag_core)
        target_link_libraries(sockdiag_http
            PUBLIC sockdiag_settings)
        target_link_libraries(sockdiag_pages PUBLIC sockdiag_http)
        target_link_libraries(sockdiag_cli PUBLIC sockdiag_pages)
        target_link_libraries(sockdiag_exporter PRIVATE sockdiag_cli)
        """,
}
LINKS = GOOD["src/CMakeLists.txt"]

# Why it is forbidden, the files that are changed, what is said of them.
BROKEN = (
    (
        "a room that may know nobody",
        {"src/core/port.cpp": '#include <vector>\n#include "sockdiag/http/server.hpp"'},
        "src/core/port.cpp:2: core may not know http (sockdiag/http/server.hpp)",
    ),
    (
        "a room that may know others, but not this one",
        {"src/netlink/dump.cpp": "#  include <sockdiag/http/server.hpp>"},
        "src/netlink/dump.cpp:1: netlink may not know http (sockdiag/http/server.hpp)",
    ),
    (
        "http, which may not even know core",
        {"src/http/server.cpp": '#include "sockdiag/core/port.hpp"'},
        "src/http/server.cpp:1: http may not know core (sockdiag/core/port.hpp)",
    ),
    (
        "main, which calls cli and nothing below it",
        {"src/main.cpp": '#include "sockdiag/cli/cli.hpp"\n#include "sockdiag/http/server.hpp"'},
        "src/main.cpp:2: main.cpp may not know http (sockdiag/http/server.hpp)",
    ),
    (
        "the opener, which has privileges and knows no room with code",
        {"src/sockdiag_opener.cpp": '#include "sockdiag/http/server.hpp"'},
        "src/sockdiag_opener.cpp:1: sockdiag_opener.cpp may not know http (sockdiag/http/server.hpp)",
    ),
    (
        "a public header that only its own room includes",
        {"src/pages/pages.cpp": ""},
        "include/sockdiag/http/server.hpp:1: no other room includes it: it belongs into src/http",
    ),
    (
        "a public header that only a test includes",
        {"include/sockdiag/core/seat.hpp": "", "tests/seat_test.cpp": '#include "core/seat.hpp"'},
        "include/sockdiag/core/seat.hpp:1: no other room includes it: it belongs into src/core",
    ),
    (
        "another room's private header",
        {"src/cli/cli.cpp": '#include "sockdiag/cli/cli.hpp"\n#include "netlink/dump.hpp"'},
        "src/cli/cli.cpp:2: src/netlink/dump.hpp is private to its room",
    ),
    (
        "another room's private header, by a relative path",
        {"src/cli/cli.cpp": '#include "../netlink/dump.hpp"'},
        "src/cli/cli.cpp:1: src/netlink/dump.hpp is private to its room",
    ),
    (
        "a public header that leads to a private one",
        {"src/cli/flag.hpp": "", "include/sockdiag/cli/cli.hpp": '#include "cli/flag.hpp"'},
        "include/sockdiag/cli/cli.hpp:1: a public header includes the private src/cli/flag.hpp",
    ),
    *(
        (
            f"{header} in a room that it does not belong to",
            {"src/cli/cli.cpp": f"#include <{header}>"},
            f"src/cli/cli.cpp:1: only {room} may include {header}",
        )
        for header, room in (
            ("linux/netlink.h", "netlink and sockdiag_opener.cpp"),
            ("linux/inet_diag.h", "netlink"),
            ("linux/sock_diag.h", "netlink"),
            ("linux/rtnetlink.h", "netlink"),
            ("yaml-cpp/parser.h", "configuration"),
            ("civetweb.h", "http"),
            ("prometheus/metric_family.h", "metrics"),
        )
    ),
    (
        "a link line against the arrows",
        {"src/CMakeLists.txt": LINKS.replace("PUBLIC sockdiag_core)", "PUBLIC sockdiag_http)")},
        "src/CMakeLists.txt:3: netlink may not link http",
    ),
    (
        "a link line of main's that passes cli by",
        {"src/CMakeLists.txt": LINKS.replace("PRIVATE sockdiag_cli", "PRIVATE sockdiag_pages")},
        "src/CMakeLists.txt:8: main.cpp may not link pages",
    ),
    (
        "a library of no room",
        {"src/CMakeLists.txt": LINKS.replace("PUBLIC sockdiag_pages", "PUBLIC sockdiag_serving")},
        "src/CMakeLists.txt:7: cli may not link serving",
    ),
    (
        "a room without a link line",
        {"src/CMakeLists.txt": LINKS.replace("(sockdiag_netlink", "(sockdiag_netlinks")},
        "src/CMakeLists.txt:1: no target_link_libraries says what netlink knows",
    ),
    (
        "a source that lies in no room",
        {"src/helper.cpp": ""},
        "src/helper.cpp:1: lies in no room",
    ),
    (
        "a header that lies in no room",
        {"include/sockdiag/helper.hpp": ""},
        "include/sockdiag/helper.hpp:1: lies in no room",
    ),
    (
        "a room that the table does not know",
        {"src/attic/box.cpp": ""},
        "src/attic/box.cpp:1: the table in .ci/rooms knows no room attic",
    ),
)


class Rooms(unittest.TestCase):
    maxDiff = None

    def check(self, files, *options):
        """The status and the lines that .ci/rooms prints of a tree of these files."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(textwrap.dedent(text), encoding="utf-8")
            done = subprocess.run(
                [CHECK, *options, root], capture_output=True, text=True, check=False
            )
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    def test_accepts_what_the_rooms_may_know(self):
        self.assertEqual(self.check(GOOD), (0, ["11 files know only what they may"]))

    def test_names_the_line_of_what_is_forbidden(self):
        for why, files, said in BROKEN:
            with self.subTest(why):
                status, lines = self.check(GOOD | files)
                self.assertIn(said, lines)
                self.assertEqual(status, 1)

    def test_fails_where_there_is_nothing_to_check(self):
        self.assertEqual(self.check({"src/CMakeLists.txt": ""})[0], 1)

    def test_prints_the_size_of_each_room(self):
        rooms = ["core", "netlink", "procfs", "sampling", "tally"]
        files = {f"src/{room}/a.cpp": "line\n" * 20 for room in rooms}
        status, lines = self.check(files, "--sizes")
        self.assertEqual(status, 0)
        self.assertEqual([line.split() for line in lines[:5]], [[r, "20", "20.0%"] for r in rooms])
        self.assertEqual(lines[5].split(), ["all", "100"])

    def test_fails_when_a_room_is_too_large(self):
        files = {f"src/{room}/a.cpp": "line\n" * 20 for room in ("netlink", "tally", "cli", "http")}
        files |= {"src/core/a.cpp": "line\n" * 11, "include/sockdiag/core/a.hpp": "line\n" * 10}
        status, lines = self.check(files, "--sizes")
        self.assertEqual(status, 1)
        self.assertEqual(lines[0].split(), ["core", "21", "20.8%", "more", "than", "20%"])


if __name__ == "__main__":
    unittest.main()
