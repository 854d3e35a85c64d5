# SPDX-License-Identifier: GPL-2.0-or-later
"""
What `kubectl kustomize` makes of a directory, as far as deploy/kubernetes uses it (Debian 12
has no kubectl that could).  Names of generated objects are left without their hash.
test_manifests compares with a kubectl where there is one.
"""

import base64
import os

import yaml

KNOWN = {"apiVersion", "kind", "resources", "images", "secretGenerator", "configMapGenerator"}


class StrictLoader(yaml.SafeLoader):
    """A key that stands twice in one mapping is an error, not the later value."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"{node.start_mark}: {twice} stands there twice")
        return super().construct_mapping(node, deep)


def load(path):
    """All documents of a file."""
    with open(path) as file:
        return list(yaml.load_all(file, StrictLoader))


def build(directory):
    """The objects of <directory>, as {(kind, name): document}."""
    (recipe,) = load(os.path.join(directory, "kustomization.yaml"))
    unknown = set(recipe) - KNOWN
    assert not unknown, f"{directory}: this builder knows nothing of {unknown}"
    objects = {}
    for resource in recipe.get("resources", ()):
        path = os.path.join(directory, resource)
        documents = build(path).values() if os.path.isdir(path) else load(path)
        for document in documents:
            _add(objects, document)
    for row in recipe.get("configMapGenerator", ()):
        _generate(objects, "ConfigMap", row, directory)
    for row in recipe.get("secretGenerator", ()):
        _generate(objects, "Secret", row, directory)
    for row in recipe.get("images", ()):
        for container in containers(objects.values()):
            if container["image"] == row["name"]:
                container["image"] = f"{row['newName']}:{row['newTag']}"
    return objects


def containers(documents):
    """Every container, also of those that only start others."""
    for document in documents:
        pod = document.get("spec", {}).get("template", {}).get("spec", {})
        yield from pod.get("initContainers", ())
        yield from pod.get("containers", ())


def _add(objects, document):
    key = document["kind"], document["metadata"]["name"]
    assert key not in objects, f"{key} is there twice"
    objects[key] = document


def _generate(objects, kind, row, directory):
    data = dict(text.split("=", 1) for text in row.get("literals", ()))
    for name in row.get("files", ()):
        with open(os.path.join(directory, name)) as file:
            data[name] = file.read()
    if kind == "Secret":
        data = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": row["name"]}, "data": data}
    if kind == "Secret":
        made["type"] = "Opaque"
    if row.get("behavior") == "replace":
        del objects[kind, row["name"]]
    _add(objects, made)
