# SPDX-License-Identifier: GPL-2.0-or-later
"""
deploy/alerts.yaml and deploy/grafana-dashboard.json: they use only metrics and labels that
readmux has, Prometheus takes every expression, and each alert fires when it should, and then
only (alerts_test.yaml).
"""

import copy
import itertools
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import yaml

import promql
from kustomize import load
from tree import BINARY, attempt, environment, path, run

sys.path.insert(0, path("tests"))

from servers import take_port  # noqa: E402

ALERTS = path("deploy/alerts.yaml")
DASHBOARD = path("deploy/grafana-dashboard.json")
CASES = path("tests/deploy/alerts_test.yaml")

# Of Prometheus itself.
OWN = {"up": promql.Metric("gauge", promql.TARGET)}

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"),
                                    reason="promtool is missing (.ci/install tests)")


def table(name, columns):
    """Rows of a table that readmux prints."""
    text = run(BINARY, "--print-document", name).stdout
    rows = re.search(r"^\|(?:---\|)+\n((?:\|.*\n)+)", text, re.M)[1].splitlines()
    rows = [[cell.strip("` ") for cell in row[1:-1].split("|")] for row in rows]
    assert all(len(row) == columns for row in rows), rows
    return rows


@pytest.fixture(scope="module")
def documented():
    """Metrics by name, as (type, labels)."""
    return {row[0]: (row[1], frozenset(filter(None, row[2].split(", "))))
            for row in table("METRICS.md", 4)}


@pytest.fixture(scope="module")
def metrics(documented):
    """Every series' name."""
    found = dict(OWN)
    for name, (type_, labels) in documented.items():
        found.update(promql.series_of(name, type_, labels))
    return found


@pytest.fixture(scope="module")
def scrape():
    """What /metrics says of two servers that are not there, as (name, labels)."""
    admin, clients, *servers = (take_port() for _ in range(4))
    settings = environment(
        READMUX_ADMIN_ADDRESS=f"127.0.0.1:{admin}", READMUX_LISTEN=f"127.0.0.1:{clients} split",
        READMUX_BACKENDS_SERVERS=",".join(f"127.0.0.1:{port}" for port in servers),
        READMUX_WORKERS="1", READMUX_DRAIN_LAMEDUCK="0s")
    process = subprocess.Popen([BINARY], env=settings, stderr=subprocess.DEVNULL)
    try:
        text = fetch(f"http://127.0.0.1:{admin}/metrics", process)
    finally:
        process.terminate()
        process.wait(20)
    lines = re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M)
    return [(name, dict(re.findall(r'(\w+)="([^"]*)"', labels))) for name, labels in lines]


def fetch(url, process):
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None and time.monotonic() < deadline, "no /metrics"
            time.sleep(0.05)


# ------------------------------------------------------------------------ the files

def alert_rules():
    (document,) = load(ALERTS)
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def alerts():
    return alert_rules()


@pytest.fixture(scope="module")
def dashboard():
    with open(DASHBOARD) as file:
        return json.load(file)


def panels_of(dashboard):
    """All that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries_of(dashboard):
    """(title, target) of each."""
    return [(panel["title"], target) for panel in panels_of(dashboard)
            for target in panel["targets"]]


def filled(text, dashboard):
    """An expression with values for Grafana's variables."""
    names = {each["name"] for each in dashboard["templating"]["list"]} - {"datasource"}
    values = {"__rate_interval": "5m", **dict.fromkeys(names, ".*")}
    text = re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), text)
    assert "$" not in text, f"no such variable: {text}"
    return text


def expressions(alerts, dashboard):
    """(where, text) of every expression of both files."""
    return [(rule["alert"], rule["expr"]) for rule in alerts] + \
        [(title, filled(target["expr"], dashboard)) for title, target in queries_of(dashboard)]


# ------------------------------------------------------------------------ metrics and labels

def test_metrics_and_labels_exist(alerts, dashboard, metrics):
    for where, text in expressions(alerts, dashboard):
        try:
            promql.read(text, metrics)
        except promql.Problem as problem:
            pytest.fail(f"{where}: {problem}", pytrace=False)


def test_document_says_what_metrics_have(documented, scrape):
    """So that what is held against the document holds against readmux."""
    seen = {}
    for name, labels in scrape:
        base = re.sub("_(bucket|sum|count)$", "", name)
        name = base if documented.get(base, ("",))[0] == "histogram" else name
        seen.setdefault(name, set()).add(frozenset(labels) - {"le"})
    assert len(seen) > 50 and set(seen) <= set(documented)
    for name, found in seen.items():
        assert found == {documented[name][1]}, name


def test_values_in_matchers_exist(alerts, dashboard, metrics, scrape):
    """Those of labels whose values are of readmux's own choosing."""
    known = {"error": {row[1] for row in table("ERRORS.md", 4)}, "role": {"primary", "replica"}}
    used = set()
    for where, text in expressions(alerts, dashboard):
        for selector in promql.read(text, metrics).selectors:
            for label, operator, value in selector.matchers:
                if value == ".*":
                    continue
                used.add((selector.metric, label, value))
                values = known.get(label) or \
                    {labels[label] for name, labels in scrape if name == selector.metric}
                wanted = value.split("|") if "~" in operator else [value]
                assert set(wanted) <= values, f"{where}: {label}"
    assert len(used) > 10


WRONG = (
    ("rate(readmux_backend_statement_total[5m])", "no metric readmux_backend_statement_total"),
    ("sum(rate(readmux_loop_delay_seconds[5m]))", "no metric readmux_loop_delay_seconds"),
    ("rate(readmux_sessions_total_sum[5m])", "no metric readmux_sessions_total_sum"),
    ("up == 1 or (2 * readmux_redy)", "no metric readmux_redy"),
    ("readmux_ready and on (job) absent(readmux_nothing)", "no metric readmux_nothing"),
    ('{__name__="readmux_ready"}', "a name expected"),
    ('readmux_ready{backend="mysql-0"}', "readmux_ready: no label backend"),
    ("sum by (backends) (readmux_backend_up)", "sum by: no label backends"),
    ("sum(readmux_sessions) by (user)", "sum by: no label user"),
    ("max without (state) (readmux_backend_up)", "max without: no label state"),
    ("sum by (backend) (sum by (role) (readmux_backend_up))", "no label backend"),
    ("readmux_backend_up and on (backend) readmux_ready", "right of 'and': no label backend"),
    ("readmux_backend_up * readmux_ready", "'*' never matches"),
    ('rate(readmux_probes_total{result="failed"}[5m]) / sum without (result) '
     "(rate(readmux_probes_total[5m]))", "'/' never matches"),
    ("histogram_quantile(0.9, rate(readmux_loop_delay_seconds_sum[5m]))", "no label le"),
    ("histogram_quantile(0.9, sum by (worker) (rate(readmux_loop_delay_seconds_bucket[5m])))",
     "no label le"),
    ("rate(readmux_sessions[5m])", "of what is no counter"),
    ("readmux_ready == 1 readmux_workers", "one too many"),
    ("sum(readmux_ready", "expected"),
    ("readmux_ready > §", "not PromQL"),
)


@pytest.mark.parametrize("text, words", WRONG, ids=[row[0][:30] for row in WRONG])
def test_reader_would_tell(text, words, metrics):
    with pytest.raises(promql.Problem, match=re.escape(words)):
        promql.read(text, metrics)


RIGHT = (
    ('sum by (backend, le) (rate(readmux_backend_send_seconds_bucket{role!="primary"}[5m]))',
     {"backend", "le"}),
    ("histogram_quantile(0.5, rate(readmux_loop_delay_seconds_bucket[1h30m] offset 5m))",
     {"job", "instance", "worker"}),
    ("readmux_backend_up * on (job, instance) group_left (version) readmux_build_info",
     {"job", "instance", "backend", "role", "version"}),
    ("max_over_time(sum(readmux_sessions)[1h:1m]) > -1.5e3 # a remark", set()),
    ('absent(up{job="readmux", instance=~"a.*"})', {"job"}),
    ("readmux_ready or readmux_backend_up", {"job", "instance"}),
    ("topk(3, readmux_user_sessions) ^ 2 % 7", {"job", "instance", "user", "overflow"}),
)


@pytest.mark.parametrize("text, labels", RIGHT, ids=[row[0][:30] for row in RIGHT])
def test_reader_knows_labels(text, labels, metrics):
    assert promql.read(text, metrics).labels == labels


def test_each_typo_in_a_metric_is_noticed(alerts, dashboard, metrics):
    for where, text in expressions(alerts, dashboard):
        for found in re.finditer(r"\b(?:readmux|process)_\w+\b", text):
            spoilt = f"{text[:found.end() - 1]}x{text[found.end():]}"
            with pytest.raises(promql.Problem, match="there is no metric"):
                promql.read(spoilt, metrics)
                pytest.fail(f"{where}: {spoilt}")


# ------------------------------------------------------------------------ alerts

@needs_promtool
def test_promtool_takes_the_alerts():
    done = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", ALERTS)
    assert f"{len(alert_rules())} rules found" in done.stdout


def test_alerts_are_complete(alerts, metrics):
    names = [rule["alert"] for rule in alerts]
    assert len(set(names)) == len(names)
    for rule in alerts:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch("Readmux[A-Z][A-Za-z]+", rule["alert"])
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}
        # tests fill it in as it is
        assert "{{" not in rule["annotations"]["description"]
        assert len(rule["annotations"]["description"]) > 100
        used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert used <= promql.read(rule["expr"], metrics).labels, rule["alert"]


def test_process_metrics_are_those_of_readmux(alerts, dashboard, metrics):
    """Every other exporter has them, too."""
    for where, text in expressions(alerts, dashboard):
        used = {selector.metric for selector in promql.read(text, metrics).selectors}
        if any(name.startswith("process_") for name in used):
            assert used & {"readmux_build_info", "readmux_workers"}, where


def cases():
    """alerts_test.yaml, without "like"."""
    (document,) = load(CASES)
    series = {test["name"]: test["input_series"] for test in document["tests"]}
    for test in document["tests"]:
        own = {row["series"] for row in test["input_series"]}
        more = series[test.pop("like")] if "like" in test else ()
        test["input_series"] = test["input_series"] + \
            [row for row in more if row["series"] not in own]
    return document


@pytest.fixture(scope="module")
def with_descriptions(alerts):
    """alerts_test.yaml for promtool, which wants to be told every annotation."""
    rules = {rule["alert"]: rule for rule in alerts}
    document = cases()
    document["rule_files"] = [ALERTS]
    for test in document["tests"]:
        for case in test.get("alert_rule_test", ()):
            rule = rules[case["alertname"]]
            for expected in case["exp_alerts"]:
                expected.setdefault("exp_annotations", {})["description"] = \
                    rule["annotations"]["description"]
    return document


def promtool_test(document, tmp_path):
    file = tmp_path / "alerts_test.yaml"
    file.write_text(yaml.safe_dump(document))
    return attempt("promtool", "test", "rules", str(file), seconds=80)


@needs_promtool
def test_alerts_fire_and_are_silent(with_descriptions, tmp_path):
    done = promtool_test(with_descriptions, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("spoil", (
    lambda expected: expected["exp_labels"].update(instance="r2:9306"),
    lambda expected: expected["exp_annotations"].update(summary="Something is wrong"),
    lambda expected: expected["exp_annotations"].update(description="Something is wrong"),
))
def test_promtool_would_tell(with_descriptions, tmp_path, spoil):
    document = copy.deepcopy(with_descriptions)
    test = next(test for test in document["tests"] if test.get("alert_rule_test"))
    document["tests"] = [test]
    spoil(next(case for case in test["alert_rule_test"] if case["exp_alerts"])["exp_alerts"][0])
    assert promtool_test(document, tmp_path).returncode == 1


def test_each_alert_has_a_case(alerts):
    fires = {case["alertname"] for test in cases()["tests"]
             for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}
    assert fires == {rule["alert"] for rule in alerts}


def test_a_healthy_readmux_has_every_series(alerts, metrics):
    """That none fires there says something of each alert."""
    (healthy,) = [test for test in cases()["tests"] if test["name"] == "healthy"]
    assert healthy["promql_expr_test"] == [
        {"expr": "count by (alertname) (count_over_time(ALERTS[45m]))", "eval_time": "45m",
         "exp_samples": []}]
    given = [matchers_of(row["series"]) for row in healthy["input_series"]]
    for rule in alerts:
        for selector in promql.read(rule["expr"], metrics).selectors:
            assert any(selects(selector, *row) for row in given), f"{rule['alert']}: {selector}"


def matchers_of(series):
    """Name and labels of a series of a test."""
    return re.match(r"\w+", series)[0], dict(re.findall(r'(\w+)="([^"]*)"', series))


def selects(selector, name, labels):
    fits = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b,
            "=~": lambda a, b: bool(re.fullmatch(b, a)),
            "!~": lambda a, b: not re.fullmatch(b, a)}
    return selector.metric == name and all(
        fits[operator](labels.get(label, ""), value)
        for label, operator, value in selector.matchers)


def test_series_of_the_cases_exist(metrics):
    for test in cases()["tests"]:
        for row in test["input_series"]:
            name, labels = matchers_of(row["series"])
            assert name in metrics and set(labels) == metrics[name].labels, row["series"]


# ------------------------------------------------------------------------ the dashboard

def test_panels_have_their_place(dashboard):
    panels = dashboard["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids) > 30
    for panel in panels:
        place = panel["gridPos"]
        assert set(place) == {"x", "y", "w", "h"} and min(place["w"], place["h"]) > 0
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24 and place["y"] >= 0
    for one, other in itertools.combinations(panels, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert [p["gridPos"]["y"] for p in panels] == sorted(p["gridPos"]["y"] for p in panels)


def overlap(one, other):
    return one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"] and \
        one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]


def test_panels_say_what_they_are(dashboard):
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert all(titles) and len(set(titles)) == len(titles)
    assert [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"] == [
        "Overview", "Servers", "Routing", "Time", "Sessions and pools", "Errors",
        "Logins and users", "Process"]
    for panel in panels_of(dashboard):
        assert len(panel["description"]) > 15 and panel["targets"], panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
        assert panel["fieldConfig"]["defaults"]["unit" if panel["type"] != "state-timeline"
                                                else "mappings"]


def test_variables_are_used_everywhere(dashboard, metrics):
    source = {"type": "prometheus", "uid": "${datasource}"}
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert list(variables) == ["datasource", "instance", "backend"]
    assert variables["datasource"]["type"] == "datasource"
    for name in ("instance", "backend"):
        assert variables[name]["datasource"] == source
        text = variables[name]["query"]["query"]
        assert text == variables[name]["definition"]
        series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", text).groups()
        assert label in promql.read(filled(series, dashboard), metrics).labels
    assert {panel["datasource"]["uid"] for panel in panels_of(dashboard)} == {"${datasource}"}
    for title, target in queries_of(dashboard):
        assert target["datasource"] == source, title
        for selector in promql.read(target["expr"].replace("$__rate_interval", "5m"),
                                    metrics).selectors:
            wanted = {("instance", "=~", "$instance"), ("backend", "=~", "$backend")}
            wanted = {row for row in wanted if row[0] in metrics[selector.metric].labels}
            if selector.metric != "readmux_build_info":
                assert wanted <= set(selector.matchers), title


def test_legends_name_labels_that_are_there(dashboard, metrics):
    for title, target in queries_of(dashboard):
        used = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
        left = promql.read(filled(target["expr"], dashboard), metrics).labels
        assert used <= left, title
        # else several lines would bear one name
        assert left - promql.TARGET <= used and (used or not left), title


def test_every_state_has_its_colour(dashboard, scrape):
    states = {labels["state"] for name, labels in scrape if name == "readmux_backend_state"}
    (panel,) = [each for each in panels_of(dashboard) if each["type"] == "state-timeline"]
    numbers = {state: number for number, state in
               re.findall(r'(\d+) \* \(readmux_backend_state\{[^}]*state="([^"]*)"\}',
                          panel["targets"][0]["expr"])}
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    assert numbers == {shown["text"]: number for number, shown in mapping["options"].items()}
    assert set(numbers) == states


@needs_promtool
def test_promtool_takes_the_queries(dashboard, tmp_path):
    rules = [{"record": f"query:{number}", "expr": filled(target["expr"], dashboard)}
             for number, (_, target) in enumerate(queries_of(dashboard))]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = run("promtool", "check", "rules", str(file))
    assert f"{len(rules)} rules found" in done.stdout
