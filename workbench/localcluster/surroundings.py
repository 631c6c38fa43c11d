"""What a platform expects of its cluster and does not make: the classes and stores that its settings name.

The plan lists them (`settings.expected`); here they stand in for those of a cloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from settings.cache import ExternalToken
from settings.model import PlatformSettings
from workbench.localcluster.api import Api, Manifest, wait
from workbench.localcluster.programs import crd_folder
from workbench.localcluster.stages import DRIVER

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEFAULT_CLASS = "standard"
"""StorageClass of claims that name none."""
CRD_KINDS = {"external-secrets.io": ("ClusterSecretStore", "ExternalSecret")}
"""API group -> the kinds that platforms use; a CRD is large, and the others would only be parsed."""


def crds(api: Api) -> None:
    """Installs the custom resources that the platform's controllers would bring, and waits until they are served."""
    names = []
    for group, kinds in CRD_KINDS.items():
        folder, _ = crd_folder(group)
        for file in sorted(folder.glob(f"{group}_*.yaml")):
            crd = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # it is the safe one
            if crd["spec"]["names"]["kind"] in kinds:
                crd["spec"].pop("conversion", None)  # by a webhook that is not here; one version is used
                api.apply(crd)
                names.append(crd["metadata"]["name"])

    def established() -> bool:
        for name in names:
            conditions = api.get("CustomResourceDefinition", name).get("status", {}).get("conditions") or []
            assert any(c["type"] == "Established" and c["status"] == "True" for c in conditions), name
        published = api.call("GET", "/openapi/v3").object["paths"]
        for group in CRD_KINDS:  # whoever starts next asks there for their fields
            assert any(path.startswith(f"apis/{group}/") for path in published), f"OpenAPI of {group}"
        return True

    wait("Established custom resources", established, 30)


def objects(settings: PlatformSettings) -> Iterator[Manifest]:
    """The objects that stand for a cloud's."""
    yield {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": DRIVER},
        "spec": {"attachRequired": False, "podInfoOnMount": False},
    }
    named = {cache.storage_class for cache in settings.caches.values() if cache.storage_class}
    for name in sorted(named | {DEFAULT_CLASS}):
        default = {"storageclass.kubernetes.io/is-default-class": "true"} if name == DEFAULT_CLASS else {}
        yield {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": default},
            "provisioner": DRIVER,
            "allowVolumeExpansion": True,  # as the classes of a cloud: a cache may grow
            # A volume of one node must lie where its pod runs, so the first pod decides.
            "volumeBindingMode": "WaitForFirstConsumer" if name == DEFAULT_CLASS else "Immediate",
        }
    if settings.ingress:
        yield {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": settings.ingress.class_name},
            "spec": {"controller": f"{DRIVER}/{settings.ingress.class_name}"},
        }
    if isinstance(settings.hub.token, ExternalToken):
        yield {
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterSecretStore",
            "metadata": {"name": settings.hub.token.store},
            "spec": {"provider": {"fake": {"data": [{"key": "stand-in", "value": "stand-in"}]}}},
        }
