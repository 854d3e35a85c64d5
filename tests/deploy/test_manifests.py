# SPDX-License-Identifier: GPL-2.0-or-later
"""
deploy/kubernetes without a cluster: every object fits the API, what refers to something
finds it, and the pods are given settings that readmux takes.
"""

import base64
import copy
import re
import shutil

import pytest
import yaml

import kube_schema
from kustomize import build, containers
from tree import BINARY, attempt, environment, path, run

DIRECTORIES = ("deploy/kubernetes", "deploy/kubernetes/with-mysql")
PROBES = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}


@pytest.fixture(params=DIRECTORIES)
def directory(request):
    return path(request.param)


@pytest.fixture
def objects(directory):
    return build(directory)


@pytest.fixture
def deployment():
    return build(path("deploy/kubernetes"))["Deployment", "readmux"]


def template(workload):
    return workload["spec"]["template"]


def only_container(workload):
    (container,) = template(workload)["spec"]["containers"]
    return container


def ports_of(workload):
    return {port["name"]: port["containerPort"] for port in only_container(workload)["ports"]}


def workloads(objects):
    return [document for (kind, _), document in objects.items()
            if kind in ("Deployment", "StatefulSet")]


def selected(objects, labels):
    """The workloads whose pods have these labels."""
    return [workload for workload in workloads(objects)
            if labels.items() <= template(workload)["metadata"]["labels"].items()]


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", duration).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


# ------------------------------------------------------------------------------- the API

def test_objects_fit_the_api(objects):
    assert len(objects) >= 7
    assert [line for document in objects.values() for line in kube_schema.problems(document)] == []


BROKEN = (
    ("spec: Deployment", lambda d: d["spec"].update(replica=2), "V1DeploymentSpec has no replica"),
    ("type", lambda d: d["spec"].update(replicas="two"), "spec.replicas: 'two' is no int"),
    ("required", lambda d: d["spec"].pop("selector"), "selector"),
    ("deep", lambda d: only_container(d)["livenessProbe"].update(tcp={}), "V1Probe has no tcp"),
    ("kind", lambda d: d.update(apiVersion="apps/v2"), "apps/v2 has no kind Deployment"),
)


@pytest.mark.parametrize("spoil, word", [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_schema_would_tell(deployment, spoil, word):
    broken = copy.deepcopy(deployment)
    spoil(broken)
    assert word in "\n".join(kube_schema.problems(broken))


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl to compare with")
def test_kubectl_makes_the_same(directory, objects):
    done = attempt("kubectl", "kustomize", directory)
    if "unknown" in done.stderr or "accumulating resources" in done.stderr:
        pytest.skip(f"this kubectl is too old: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
    text = done.stdout
    for kind, name in objects:
        if kind in ("ConfigMap", "Secret"):
            text = re.sub(rf"\b{name}-[a-z0-9]{{10}}$", name, text, flags=re.M)
    made = {(document["kind"], document["metadata"]["name"]): document
            for document in yaml.safe_load_all(text)}
    assert made == objects


# ---------------------------------------------------------------------------- references

def test_services_find_their_pods(objects):
    for (kind, name), service in objects.items():
        if kind != "Service":
            continue
        (workload,) = selected(objects, service["spec"]["selector"])
        ports = only_container(workload)["ports"]
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            assert target in [p["name"] for p in ports] + [p["containerPort"] for p in ports], name


def test_selectors_find_their_pods(objects):
    seen = 0
    for (kind, name), document in objects.items():
        if kind in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            labels = document["spec"]["selector"]["matchLabels"]
        elif kind == "NetworkPolicy":
            labels = document["spec"]["podSelector"]["matchLabels"]
        else:
            continue
        assert len(selected(objects, labels)) == 1, (kind, name)
        seen += 1
    assert seen >= 3


def test_probes_and_policies_name_ports_of_the_container(objects):
    names = {port["name"] for port in only_container(objects["Deployment", "readmux"])["ports"]}
    container = only_container(objects["Deployment", "readmux"])
    used = [container[probe]["httpGet"]["port"] for probe in PROBES]
    for rule in objects["NetworkPolicy", "readmux"]["spec"]["ingress"]:
        used += [port["port"] for port in rule["ports"]]
    assert set(used) == names == {"split", "read", "admin"}


def test_probes_ask_what_readmux_answers(deployment):
    container = only_container(deployment)
    with open(path("doc/ADMIN.md")) as reference:
        paths = re.findall(r"^\| `GET (\S+)` \| no ", reference.read(), re.M)
    assert {probe: container[probe]["httpGet"]["path"] for probe in PROBES} == PROBES
    assert set(PROBES.values()) <= set(paths)
    # a start that takes long is not one that hangs; once it runs, half a minute is
    start, live = container["startupProbe"], container["livenessProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= 20
    assert 20 <= live["periodSeconds"] * live["failureThreshold"] <= 60


def test_spread_counts_its_own_pods(deployment):
    constraints = template(deployment)["spec"]["topologySpreadConstraints"]
    assert {c["topologyKey"].split("/")[0] for c in constraints} == \
        {"kubernetes.io", "topology.kubernetes.io"}
    for constraint in constraints:
        labels = constraint["labelSelector"]["matchLabels"]
        assert labels.items() <= template(deployment)["metadata"]["labels"].items()


def test_autoscaler_scales_what_is_there(objects):
    spec = objects["HorizontalPodAutoscaler", "readmux"]["spec"]
    target = objects[spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]]
    assert spec["minReplicas"] == target["spec"]["replicas"] == 2
    # a share of nothing is not known
    assert "cpu" in only_container(target)["resources"]["requests"]


def test_what_pods_refer_to_is_there(objects):
    used = 0
    for workload in workloads(objects):
        pod = template(workload)["spec"]
        if "serviceAccountName" in pod:
            assert ("ServiceAccount", pod["serviceAccountName"]) in objects
        volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
        claims = workload["spec"].get("volumeClaimTemplates", ())
        for volume in volumes.values():
            if "secret" in volume:
                keys = objects["Secret", volume["secret"]["secretName"]]["data"]
                assert {item["key"] for item in volume["secret"].get("items", ())} <= set(keys)
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in objects
        for container in containers([workload]):
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            assert mounts <= set(volumes) | {claim["metadata"]["name"] for claim in claims}
            for variable in container["env"] if "env" in container else ():
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    assert reference["key"] in objects["Secret", reference["name"]]["data"]
                    used += 1
    assert used > 0


def test_scripts_that_are_run_are_mounted():
    objects = build(path("deploy/kubernetes/with-mysql"))
    data = objects["ConfigMap", "mysql"]["data"]
    text = yaml.safe_dump(objects["StatefulSet", "mysql"])
    named = set(re.findall(r"(?:/scripts/|subPath: )(\w+\.\w+)", text))
    assert named | {"primary.cnf", "replica.cnf"} == set(data)
    for name in named:
        run("bash", "-n", path("deploy/kubernetes/mysql", name))


# ------------------------------------------------------------------------------- readmux

def settings_of(deployment, tmp_path):
    """Environment of readmux in its pod; a mounted file becomes one in <tmp_path>."""
    variables = {}
    for variable in only_container(deployment)["env"]:
        value = variable.get("value", "some-value")
        if value.startswith("/"):
            file = tmp_path / "secret"
            file.write_text("")             # as for a root without a password
            value = str(file)
        variables[variable["name"]] = value
    return variables


def configuration(deployment, tmp_path):
    """The settings in effect in a pod."""
    done = run(BINARY, "--print-config", env=environment(**settings_of(deployment, tmp_path)))
    return yaml.safe_load(done.stdout)


def test_readmux_takes_its_settings(deployment, tmp_path):
    settings = configuration(deployment, tmp_path)
    assert settings["backends"]["namespace"] == settings["probe"]["user"] == "some-value"
    assert settings["workers"] == 2
    misspelt = settings_of(deployment, tmp_path) | {"READMUX_WORKER": "2"}
    assert attempt(BINARY, "--check-config", env=environment(**misspelt)).returncode == 1


def test_secret_is_where_readmux_looks(deployment):
    container = only_container(deployment)
    (file,) = [v["value"] for v in container["env"] if v["name"].endswith("PASSWORD_FILE")]
    (mount,) = container["volumeMounts"]
    (volume,) = template(deployment)["spec"]["volumes"]
    assert file == f"{mount['mountPath']}/{volume['secret']['items'][0]['path']}"


def test_ports_are_those_that_readmux_listens_on(deployment, tmp_path):
    listens = {row["route"]: int(row["address"].rsplit(":")[-1])
               for row in configuration(deployment, tmp_path)["listen"]}
    assert ports_of(deployment) == {**listens, "admin": 9306}
    assert listens == {"split": 3306, "read": 3307}
    service = build(path("deploy/kubernetes"))["Service", "readmux"]["spec"]
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == listens


def test_prometheus_finds_the_pods(deployment, tmp_path):
    admin = configuration(deployment, tmp_path)["admin"]
    assert admin["address"] == f"0.0.0.0:{ports_of(deployment)['admin']}"
    assert not admin["token"]
    assert template(deployment)["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true", "prometheus.io/path": "/metrics",
        "prometheus.io/port": str(ports_of(deployment)["admin"])}


def test_only_prometheus_may_ask_the_admin_address(objects):
    rules = objects["NetworkPolicy", "readmux"]["spec"]["ingress"]
    (rule,) = [each for each in rules if "admin" in [port["port"] for port in each["ports"]]]
    assert len(rule["ports"]) == 1
    assert rule["from"] == [{"namespaceSelector": {}, "podSelector": {
        "matchLabels": {"app.kubernetes.io/name": "prometheus"}}}]
    # no Service leads there
    ports = objects["Service", "readmux"]["spec"]["ports"]
    assert "admin" not in [port["targetPort"] for port in ports]


def test_there_is_time_to_drain(deployment, tmp_path):
    drain = configuration(deployment, tmp_path)["drain"]
    assert 5 <= seconds(drain["lameduck"]) < seconds(drain["timeout"])
    grace = template(deployment)["spec"]["terminationGracePeriodSeconds"]
    assert seconds(drain["timeout"]) + 5 <= grace


def test_pod_is_confined(deployment):
    pod = template(deployment)["spec"]
    container = only_container(deployment)
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    assert min(port["containerPort"] for port in container["ports"]) >= 1024


def test_images_are_pinned(objects):
    images = {container["image"] for container in containers(workloads(objects))}
    assert images
    for image in images:
        assert re.search(r":\d+\.\d+\.\d+$", image), image


def test_readmux_image_is_this_version(deployment):
    version = run(BINARY, "--version").stdout.split()[1]
    assert only_container(deployment)["image"].endswith(f"/readmux:{version}")


# ----------------------------------------------------------------------------- the servers

@pytest.fixture
def example():
    return build(path("deploy/kubernetes/with-mysql"))


def test_discovery_finds_the_statefulset(example, deployment, tmp_path):
    settings = configuration(deployment, tmp_path)["backends"]
    headless = example["Service", settings["service"]]["spec"]
    (port,) = headless["ports"]
    assert headless["clusterIP"] == "None"
    assert (port["name"], port["port"]) == ("mysql", settings["port"])
    statefulset = example["StatefulSet", settings["service"]]
    assert statefulset["spec"]["serviceName"] == settings["service"]
    assert statefulset["spec"]["replicas"] == 3
    assert example["Service", "mysql-read"]["spec"]["selector"] == headless["selector"]


def test_policy_lets_readmux_reach_the_servers(example):
    egress = example["NetworkPolicy", "readmux"]["spec"]["egress"]
    (servers,) = [rule for rule in egress if "to" in rule]
    labels = servers["to"][0]["podSelector"]["matchLabels"]
    assert selected(example, labels) == [example["StatefulSet", "mysql"]]
    assert [port["port"] for port in servers["ports"]] == \
        [port["containerPort"] for port in only_container(example["StatefulSet", "mysql"])["ports"]]
    assert {"UDP", "TCP"} == {port["protocol"] for rule in egress if rule is not servers
                              for port in rule["ports"] if port["port"] == 53}


def test_probe_account_is_the_one_that_is_made(example):
    secret = {key: base64.b64decode(value).decode()
              for key, value in example["Secret", "readmux-probe"]["data"].items()}
    assert secret["user"] == "readmux" and secret["password"]
    used = {(v["name"], v["valueFrom"]["secretKeyRef"]["name"])
            for v in only_container(example["StatefulSet", "mysql"])["env"]}
    assert {("PROBE_USER", "readmux-probe"), ("PROBE_PASSWORD", "readmux-probe")} <= used
