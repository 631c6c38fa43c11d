"""Where weights lie: a shared volume, filled once per revision from the hub, and the token for the hub."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from settings.spec import Spec
from settings.types import (
    ConfigKey,
    Cpu,
    DnsLabel,
    DnsName,
    Duration,
    ImageRepository,
    ImageTag,
    Memory,
    SecretPath,
    StorageClass,
)
from settings.versions import LOADER
from settings.workload import Amounts, Image, Resources, Security


class LoaderImage(Image):
    """An image with Python and huggingface_hub."""

    host: DnsName | None = "docker.io"
    """Registry."""
    repository: ImageRepository = "kserve/storage-initializer"
    """Name in the registry."""
    tag: ImageTag | None = LOADER.value
    """Tag."""


class Cache(Spec):
    """A volume with the weights of the models of one namespace, and the Jobs that fill it."""

    namespace: DnsLabel = Field(examples=["llm-baseline"])
    """The namespace of volume, Jobs and models."""
    size: Memory = Field(examples=["100Gi"])
    """Size of the volume; a file system that grows by itself takes it for a label."""
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """Whether several nodes may mount it; ReadWriteOnce is for a pool of one node in one zone."""
    storage_class: StorageClass | None = None
    """StorageClass; the cluster's default where it is left out."""
    pool: DnsLabel | None = None
    """The node pool that downloads run on; any node without a taint where it is left out."""
    priority: DnsLabel | None = None
    """Its entry in `priorities`: of the downloads."""
    image: LoaderImage = LoaderImage()
    """What downloads run."""
    resources: Resources = Resources(
        requests=Amounts(cpu=Cpu(500), memory=Memory(1 << 30)),
        limits=Amounts(cpu=Cpu(2000), memory=Memory(4 << 30), ephemeral_storage=Memory(1 << 30)),
    )
    """Requests and limits of one download."""
    deadline: Duration = Duration(3600)
    """How long one download may take, with all its tries."""
    security: Security = Security()
    """User and group of the downloads; the servers' group must be able to read what they write."""


class ConfigToken(Spec):
    """The token is a `secure:` key of the stack file; it becomes a plain Secret."""

    kind: Literal["config"]
    """From the stack file."""
    key: ConfigKey
    """The `secure:` key, beside `platform`."""


class ExternalToken(Spec):
    """The token is in a secret store outside the cluster; External Secrets brings it in."""

    kind: Literal["external"]
    """From the store."""
    store: DnsLabel
    """Name of the ClusterSecretStore."""
    key: SecretPath | None = None
    """Name of the secret in the store; `<prefix>-<environment>/hugging-face-token` where it is left out."""
    field: SecretPath | None = None
    """Its field, where the secret is a JSON object."""
    refresh: Duration = Duration(3600)
    """How often it is read again."""


Token: TypeAlias = Annotated[ConfigToken | ExternalToken, Field(discriminator="kind")]
"""Where the hub's access token is kept."""


class Hub(Spec):
    """The Hugging Face hub."""

    token: Token | None = None
    """Its access token, for repositories that are gated or private; only downloads see it, as a file."""
