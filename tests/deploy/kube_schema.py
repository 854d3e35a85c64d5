# SPDX-License-Identifier: GPL-2.0-or-later
"""
The Kubernetes API's types, from the classes of its Python client (Debian: python3-kubernetes):
what is in a document that its type does not have, or not in that form, and what is missing.
"""

import re

import kubernetes.client as client

# Each kind by its version, and the class that has its fields.  The client of Debian 12 is
# older than autoscaling/v2, which has the fields of v2beta2.
CLASSES = {
    ("v1", "ConfigMap"): client.V1ConfigMap,
    ("v1", "Secret"): client.V1Secret,
    ("v1", "Service"): client.V1Service,
    ("v1", "ServiceAccount"): client.V1ServiceAccount,
    ("apps/v1", "Deployment"): client.V1Deployment,
    ("apps/v1", "StatefulSet"): client.V1StatefulSet,
    ("policy/v1", "PodDisruptionBudget"): client.V1PodDisruptionBudget,
    ("networking.k8s.io/v1", "NetworkPolicy"): client.V1NetworkPolicy,
    ("autoscaling/v2", "HorizontalPodAutoscaler"):
        getattr(client, "V2HorizontalPodAutoscaler", client.V2beta2HorizontalPodAutoscaler),
}

PLAIN = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def problems(document):
    """What is wrong with a document, one line each."""
    wanted = CLASSES.get((document.get("apiVersion"), document.get("kind")))
    if wanted is None:
        return [f"{document.get('apiVersion')} has no kind {document.get('kind')}"]
    return list(_in_object(document, wanted, document["kind"]))


def _in_object(value, model, place):
    if not isinstance(value, dict):
        yield f"{place}: {value!r} is no {model.__name__}"
        return
    fields = {name: attribute for attribute, name in model.attribute_map.items()}
    for name, part in value.items():
        if name in fields:
            yield from _in_value(part, model.openapi_types[fields[name]], f"{place}.{name}")
        else:
            yield f"{place}: {model.__name__} has no {name}"
    given = {fields[name]: part for name, part in value.items() if name in fields}
    try:
        model(**given)              # raises for what must be there
    except ValueError as problem:
        yield f"{place}: {problem}"


def _in_value(value, kind, place):
    inner = re.fullmatch(r"(list|dict)[\[(](?:str, )?(.*)[\])]", kind)
    if inner and inner[1] == "list":
        yield from _in_list(value, inner[2], place)
    elif inner:
        yield from _in_mapping(value, inner[2], place)
    elif kind in PLAIN:
        if not isinstance(value, PLAIN[kind]) or isinstance(value, bool) != (kind == "bool"):
            yield f"{place}: {value!r} is no {kind}"
    elif hasattr(client, kind):
        yield from _in_object(value, getattr(client, kind), place)


def _in_list(value, kind, place):
    if not isinstance(value, list):
        yield f"{place}: {value!r} is no list"
        return
    for i, part in enumerate(value):
        yield from _in_value(part, kind, f"{place}[{i}]")


def _in_mapping(value, kind, place):
    if not isinstance(value, dict):
        yield f"{place}: {value!r} is no mapping"
        return
    for name, part in value.items():
        yield from _in_value(part, kind, f"{place}.{name}")
