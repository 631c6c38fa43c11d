"""A model that services call. The server itself comes with the model work; URL, flows and pins are here."""

from __future__ import annotations

from pydantic import Field

from settings.spec import Spec
from settings.types import ContainerPort, DnsLabel, HubRepository, Reason, Revision


class Source(Spec):
    """Where the weights come from."""

    hub: HubRepository
    """Hugging Face repository."""
    revision: Revision | None = None
    """Commit of the repository; a branch name moves."""
    unpinned: Reason | None = None
    """Why there is no revision yet."""


class Adapter(Spec):
    """A LoRA adapter of the model; its name is what routes and requests use."""

    revision: Revision | None = None
    """Commit that the adapter is taken from."""
    unpinned: Reason | None = None
    """Why there is no revision yet."""


class Model(Spec):
    """A model that is served over the OpenAI API."""

    namespace: DnsLabel
    """The namespace that its server runs in."""
    port: ContainerPort = 8000
    """The port of server and Service (vLLM's default)."""
    source: Source
    """Weights."""
    adapters: dict[DnsLabel, Adapter] = Field(default_factory=dict)
    """LoRA adapters that it serves beside its own weights."""
