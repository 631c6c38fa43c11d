"""The one place for versions and revisions that are not a team's own choice, each with the source that states it.

A pin without a source does not go in: it is declared `unpinned`, with a reason, in the YAML, and the plan lists it.
Charts, add-ons and AMIs come here with the work that installs them. Prices and sizes of instance types are in
data/instances.yaml, which names its source itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pin:
    """A version or revision, and who states that it exists."""

    value: str
    source: str


KUBERNETES = Pin(
    "1.35",
    "EKS standard support until 2027-03-27; 1.34 ends on 2026-12-02 (endoflife-date/endoflife.date "
    "products/amazon-eks.md @a70eca33, generated from AWS's own calendar)",
)
"""Kubernetes version of a cluster whose settings name none."""

_STANDARD_SUPPORT = "endoflife-date/endoflife.date @a70eca33 products/amazon-eks.md, generated from AWS's own calendar"
EKS_SUPPORT: dict[str, Pin] = {
    "1.34": Pin("2026-12-02", _STANDARD_SUPPORT),
    "1.35": Pin("2027-03-27", _STANDARD_SUPPORT),
    "1.36": Pin("2027-08-02", _STANDARD_SUPPORT),
}
"""Kubernetes minor -> day on which EKS's standard support of it ends. Our clusters have no extended support: EKS takes
one that is older to the next minor by itself, whenever it likes."""

OLDEST_KUBERNETES = Pin(
    "1.30",
    "the pre-stop `sleep` action is on by default from 1.30 (kubernetes/enhancements "
    "keps/sig-node/3960-pod-lifecycle-sleep-action/kep.yaml)",
)
"""Oldest Kubernetes that knows everything that we send."""

VLLM = Pin(
    "0.31.0",
    "newest vLLM whose image has a digest that public files cite; its arguments were read in the wheel of the same "
    "commit (db9527a4)",
)
"""vLLM of a model that names none. Its image is built for CUDA 13: the nodes' driver must be 580 or newer."""

MAX = Pin(
    "26.4.0", "newest tag of modular/max-nvidia-full that public files use; arguments read in the wheel of 26.7.0"
)
"""MAX of a model that names none."""

LOADER = Pin(
    "v0.20.0",
    "kserve/kserve @1fb78105 python/storage-initializer.Dockerfile: python 3.11, huggingface-hub 0.32.4 in /prod_venv",
)
"""Tag of the image that downloads run, where a cache names none."""
LOADER_PYTHON = "/prod_venv/bin/python"
"""The interpreter in it (the same Dockerfile)."""

DIGESTS: dict[str, Pin] = {
    "docker.io/vllm/vllm-openai:v0.31.0": Pin(
        "sha256:c1c9f6fd5c109ba7f0546a59f5b2f15fb87f64c77782e90a27b648b42a8e67c3",
        "digest of the image index, as ten independent public deployments cite it, one of them with commit db9527a4",
    ),
}
"""Image with its tag -> digest; an image without `digest` in the YAML takes it from here."""

UNPINNED: dict[str, str] = {
    "docker.io/vllm/vllm-openai": "no public file cites the digest of this tag; your own registry knows it",
    "docker.io/modular/max-nvidia-full": "no public file cites the digest of a release; your own registry knows it",
    "docker.io/kserve/storage-initializer": "no public file cites the digest of this tag; your own registry knows it",
}
"""Image of somebody else -> why there is no digest of it here."""

REVISIONS: dict[str, Pin] = {
    "mistralai/Mistral-7B-Instruct-v0.3": Pin(
        "c170c708c41dac9275d15a8fff4eca08d52bab71",
        "mantzaris/KeemenaSubwords.jl @b4587f28 src/models.jl resolves this commit of the hub repository",
    ),
    "solidrust/Mistral-7B-Instruct-v0.3-AWQ": Pin(
        "95b1295ddd1a8673117cdc7bd2a4da2a457bb3f7",
        "LucasErcolano/MiroFish @c5af174c docs/local-llm-2agent-2model-notes.md (`hf cache verify`, served with vLLM)",
    ),
    "prometheus-eval/prometheus-7b-v2.0": Pin(
        "66ffb1fc20beebfb60a3964a957d9011723116c5",
        "aishwaryax/learn-to-judge @c5ac9529 scripts/create_embedding.sh line 10 (hub cache path of this commit)",
    ),
}
"""Hugging Face repository -> commit; a model without `revision` in the YAML takes it from here."""
