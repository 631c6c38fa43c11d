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

OLDEST_KUBERNETES = Pin(
    "1.30",
    "the pre-stop `sleep` action is on by default from 1.30 (kubernetes/enhancements "
    "keps/sig-node/3960-pod-lifecycle-sleep-action/kep.yaml)",
)
"""Oldest Kubernetes that knows everything that we send."""

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
