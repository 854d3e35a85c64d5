# SPDX-License-Identifier: GPL-2.0-or-later
"""
The Debian package: what is in it and what it asks for.  test_container installs it.
"""

import os
import re
import shutil

import pytest

from tree import BINARY, BUILD, path, run

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not shutil.which("dpkg-shlibdeps"),
                       reason="dpkg-dev is missing (.ci/install package)"),
]

CONFIG = "/etc/readmux/readmux.yaml"
UNIT = "/usr/lib/systemd/system/readmux.service"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    made = run(path("deploy/debian/build-package"), BUILD, str(tmp_path_factory.mktemp("deb")),
               seconds=240)
    return made.stdout.strip()


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    directory = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "-R", package, str(directory))
    return directory


def field(package, name):
    return run("dpkg-deb", "-f", package, name).stdout.strip()


def test_fields(package):
    version = run(BINARY, "--version").stdout.split()[1]
    architecture = run("dpkg", "--print-architecture").stdout.strip()
    assert os.path.basename(package) == f"readmux_{version}_{architecture}.deb"
    assert (field(package, "Version"), field(package, "Architecture")) == (version, architecture)
    needs = field(package, "Depends")
    for library in ("adduser", "libc6 (>= ", "libc-ares2", "libevent-core-2.1-7", "libssl3",
                    "libyaml-0-2", "libzstd1", "zlib1g"):
        assert library in needs
    assert 500 < int(field(package, "Installed-Size")) < 100000


def test_files(package):
    lines = [line.split() for line in run("dpkg-deb", "-c", package).stdout.splitlines()]
    files = {line[5][1:]: (line[0], line[1]) for line in lines if not line[5].endswith("/")}
    assert files == {
        "/usr/bin/readmux": ("-rwxr-xr-x", "root/root"),
        **{name: ("-rw-r--r--", "root/root") for name in (
            CONFIG, UNIT, "/usr/share/bash-completion/completions/readmux",
            *(f"/usr/share/doc/readmux/{name}" for name in (
                "README.md", "CHANGES.md", "copyright",
                "ADMIN.md", "ERRORS.md", "METRICS.md", "OPERATING.md", "SETTINGS.md",
                "alerts.yaml", "grafana-dashboard.json")),
            "/usr/share/man/man5/readmux.yaml.5.gz", "/usr/share/man/man8/readmux.8.gz")}}


def test_checksums_hold(unpacked):
    sums = unpacked / "DEBIAN/md5sums"
    run("md5sum", "--check", "--strict", str(sums), cwd=unpacked)
    listed = {line.split("  ")[1] for line in sums.read_text().splitlines()}
    assert listed == {str(file.relative_to(unpacked)) for file in unpacked.rglob("*")
                      if file.is_file() and "DEBIAN" not in file.parts}


def test_configuration_is_kept_and_good(unpacked):
    assert (unpacked / "DEBIAN/conffiles").read_text() == CONFIG + "\n"
    run(str(unpacked / "usr/bin/readmux"), "--check-config", "--config", str(unpacked) + CONFIG)


def test_unit_starts_what_is_installed(unpacked):
    unit = (unpacked / UNIT[1:]).read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.M)
    assert (unpacked / command.split()[0][1:]).exists()
    assert CONFIG in command
    drain = int(re.search(r"timeout: (\d+)s$", (unpacked / CONFIG[1:]).read_text(), re.M)[1])
    (limit,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.M)
    assert int(limit) > drain
    (user,) = re.findall(r"^User=(.*)$", unit, re.M)
    assert f"getent passwd {user} " in (unpacked / "DEBIAN/postinst").read_text()


@pytest.mark.parametrize("script", ("postinst", "prerm", "postrm"))
def test_scripts_can_be_read(unpacked, script):
    run("sh", "-n", str(unpacked / "DEBIAN" / script))
