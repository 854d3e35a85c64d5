# SPDX-License-Identifier: GPL-2.0-or-later
"""
The manual pages: mandoc finds nothing to say of their source, and they name every option
and every setting.  That the files in doc/ are what readmux prints is test_control_config's.
"""

import re

import pytest
import yaml

from tree import BINARY, attempt, path, run

PAGES = ("readmux.8", "readmux.yaml.5")

# About this machine's own index of manual pages.
ELSEWHERE = re.compile(r"referenced manual not found|outdated mandoc\.db")


def shown(page):
    """A page as a reader sees it."""
    text = run("mandoc", "-T", "utf8", path("doc", page)).stdout
    return re.sub(".\b", "", text)


def settings():
    """Every setting's name, from the template of the configuration file."""
    names = []
    for key, value in yaml.safe_load(run(BINARY, "--print-default-config").stdout).items():
        names += [f"{key}.{name}" for name in value] if isinstance(value, dict) else [key]
    return names


@pytest.mark.parametrize("page", PAGES)
def test_lint(page):
    lint = attempt("mandoc", "-T", "lint", "-W", "style", path("doc", page))
    said = (lint.stdout + lint.stderr).splitlines()
    assert [line for line in said if not ELSEWHERE.search(line)] == []


def test_lint_would_tell(tmp_path):
    bad = tmp_path / "bad.8"
    with open(path("doc/readmux.8")) as good:
        bad.write_text(good.read().replace(".El\n", "", 1))
    assert "inserting missing end of block" in attempt("mandoc", "-T", "lint", str(bad)).stdout


def test_every_option_is_told():
    options = re.findall(r"^  (?:-\w, )?(--[\w-]+)", run(BINARY, "--help").stdout, re.M)
    page = shown("readmux.8")
    assert len(options) > 5
    assert [option for option in options if not re.search(rf"^ +.*{option}\b", page, re.M)] == []


def test_every_setting_is_told():
    names = settings()
    page = shown("readmux.yaml.5")
    assert len(names) > 30
    assert [name for name in names if not re.search(rf"^ +{re.escape(name)}\b", page, re.M)] == []


def test_there_is_no_such_page():
    refused = attempt(BINARY, "--print-document", "readmux.1")
    assert refused.returncode == 2 and "readmux.1" in refused.stderr and not refused.stdout
