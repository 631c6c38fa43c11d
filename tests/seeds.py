"""The YAML that a seed document shows, put together as its Kustomize files mean it, and how a plan differs from it.

The documents themselves are no part of the project: they lie beside the checkout, or the tests that need them say
that they did not run. What they ask for is in docs/requirements.md.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import pytest
import yaml

from policy.graph import KubernetesObject
from tests.conftest import planned
from tests.decisions import LEFT_OUT
from tests.support import SEEDS

Manifest: TypeAlias = dict[str, Any]
Files: TypeAlias = Mapping[str, list[Manifest]]
"""File name, as the comment above its YAML gives it -> its documents."""

_FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADER = re.compile(r"^# ([\w./-]+\.yaml)\n")
_SIMPLE_KEY = re.compile(r"[\w/-]+")


def seed_text(number: str) -> str:
    """The text of a seed document; skips the calling test where it is not at hand."""
    found = sorted(SEEDS.glob(f"{number}_*.txt"))
    if not found:
        pytest.skip(f"NOT RUN: seed {number} is not in {SEEDS}, so nothing was compared with its YAML")
    return found[0].read_text(encoding="utf-8")


@cache
def seed_files(number: str) -> Files:
    """Every YAML file that a seed document shows; a document without a file name belongs to the file above it."""
    return files_of(seed_text(number))


def files_of(text: str) -> dict[str, list[Manifest]]:
    """The files in the ```yaml fences of a text."""
    files: dict[str, list[Manifest]] = {}
    for fence in _FENCE.findall(text):
        name = ""
        for part in re.split(r"^---\n", fence, flags=re.MULTILINE):
            header = _HEADER.match(part)
            name = header[1] if header else name
            files.setdefault(name, []).append(yaml.safe_load(part))
    return files


def rendered(files: Files, environment: str) -> dict[str, Manifest]:
    """Object -> manifest, as the overlay of an environment means it (base alone where the seed shows no overlay).

    "As it means it": an image is matched by the last part of its name, although prod's overlay names another
    registry than the base (S003-100); an overlay that lists a file which only dev's shows takes dev's (S003-102).
    """
    base = files["base/kustomization.yaml"][0]
    overlay = files.get(f"overlays/{environment}/kustomization.yaml", [{}])[0]
    objects = [copy.deepcopy(o) for name in base["resources"] for o in files.get(f"base/{name}", ())]
    _add_labels(objects, base["commonLabels"])
    for name in overlay.get("resources", ()):
        own = files.get(f"overlays/{environment}/{name}") or files.get(f"overlays/dev/{name}", ())
        objects += [copy.deepcopy(o) for o in own]
    _add_labels(objects, overlay.get("commonLabels", {}))
    for change in overlay.get("replicas", ()):
        for deployment in _deployments(objects, change["name"]):
            deployment["spec"]["replicas"] = change["count"]
    for change in overlay.get("images", ()):
        for deployment in _deployments(objects, change["name"].rsplit("/", 1)[-1]):
            for container in deployment["spec"]["template"]["spec"]["containers"]:
                container["image"] = f"{change['name']}:{change['newTag']}"
    for change in overlay.get("configMapGenerator", ()):
        for config_map in (o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == change["name"]):
            config_map["data"] |= dict(literal.split("=", 1) for literal in change["literals"])
    return {title(o): o for o in objects}


def not_shown(files: Files) -> set[str]:
    """The files that a Kustomize file of the seed names and the seed does not show."""
    out = set()
    for name, documents in files.items():
        folder, _, file = name.rpartition("/")
        if file == "kustomization.yaml":
            named = [*documents[0]["resources"], *(p["path"] for p in documents[0].get("patches", ()))]
            wanted = {f"{folder}/{part}" for part in named if not part.startswith("..")}
            out |= {path for path in wanted if path not in files}
    return out


def title(manifest: Manifest) -> str:
    """The name of an object, written as a planned object writes it: `Deployment platform/gateway`."""
    metadata = manifest["metadata"]
    home = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{manifest['kind']} {home}{metadata['name']}"


def _deployments(objects: Iterable[Manifest], name: str) -> list[Manifest]:
    return [o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == name]


def _add_labels(objects: Iterable[Manifest], labels: Mapping[str, str]) -> None:
    """What `commonLabels` does: on everything, on pods, and in every selector (kustomize, commonlabels.go)."""
    for thing in objects:
        thing["metadata"].setdefault("labels", {}).update(labels)
        spec = thing.get("spec", {})
        if thing["kind"] == "Service":
            spec["selector"].update(labels)
        elif thing["kind"] == "PodDisruptionBudget":
            spec["selector"]["matchLabels"].update(labels)
        elif thing["kind"] == "Deployment":
            spec["selector"]["matchLabels"].update(labels)
            spec["template"]["metadata"]["labels"].update(labels)
            anti_affinity = spec["template"]["spec"].get("affinity", {}).get("podAntiAffinity", {})
            for term in anti_affinity.get("preferredDuringSchedulingIgnoredDuringExecution", ()):
                term["podAffinityTerm"]["labelSelector"]["matchLabels"].update(labels)


_NAMED = {
    "containers": ("name",),
    "envFrom": ("configMapRef", "name"),
    "limits": ("type",),
    "metrics": ("resource", "name"),
    "paths": ("path",),
    "policies": ("type",),
    "ports": ("name",),
}
"""List -> the field by which its elements are matched; the elements of every other list are matched by position."""


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path: `spec.ports[http].port`. A list of scalars is one leaf, an empty map too."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            shown = key if _SIMPLE_KEY.fullmatch(key) else f'"{key}"'
            yield from leaves(item, f"{path}.{shown}" if path else shown)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{_element(item, index, path)}]")
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        yield from leaves(json.loads(value), path)
    else:
        yield path, value


def _element(item: Mapping[str, Any], index: int, path: str) -> Any:
    fields = _NAMED.get(path.rsplit(".", 1)[-1])
    name: Any = item
    for field in fields or ():
        name = name.get(field) if isinstance(name, Mapping) else None
    return name if fields and name is not None else index


@dataclass(frozen=True)
class Leaf:
    """One value that the seed gives, and what is planned in its place."""

    stack: str
    thing: str
    """For example Deployment platform/gateway."""
    path: str
    seed: Any
    ours: Any

    @property
    def differs(self) -> bool:
        """True if the two are not the same JSON (in Python 1 would equal True)."""
        return json.dumps(self.seed, sort_keys=True) != json.dumps(self.ours, sort_keys=True)

    def __str__(self) -> str:
        return f"{self.stack}: {self.thing} {self.path}: seed {json.dumps(self.seed)}, ours {json.dumps(self.ours)}"


@cache
def compared(number: str, stack: str) -> tuple[Leaf, ...]:
    """Every leaf of every object that a seed shows for a stack."""
    out = []
    for thing, manifest in rendered(seed_files(number), stack).items():
        found = [o for o in planned(stack).graph.objects if str(o) == thing]
        ours = dict(leaves(_with_placeholders(stack, found[0]))) if found else {}
        out += [Leaf(stack, thing, path, value, ours.get(path, LEFT_OUT)) for path, value in leaves(manifest)]
    return tuple(out)


def _with_placeholders(stack: str, thing: KubernetesObject) -> Any:
    """The planned manifest with the placeholders that the seed has for an account and a certificate."""
    settings = planned(stack).settings
    text = json.dumps(thing.manifest).replace(settings.aws.account or "no account", "ACCOUNT_ID")
    if settings.ingress and settings.ingress.certificate_arn:
        text = text.replace(settings.ingress.certificate_arn.rsplit("/", 1)[-1], "CERT_ID")
    return json.loads(text)


def planned_object(stack: str, thing: str) -> KubernetesObject:
    """The planned object with this name, for example `Deployment platform/gateway`."""
    found = [o for o in planned(stack).graph.objects if str(o) == thing]
    assert len(found) == 1, f"{len(found)} objects of stack {stack} are {thing}"
    return found[0]
