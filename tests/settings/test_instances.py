"""The instance table says what nodes really offer."""

from __future__ import annotations

import re

import pytest

from settings.instances import MAX_PODS, MAX_PODS_LARGE, TABLE, instance_types
from settings.nodes import Disk
from settings.types import Cpu, Memory
from settings.yaml_reader import read_file

FACTS = {
    # type: (GPU memory in MiB or 0, allocatable CPU, allocatable memory), from Karpenter's generated pages
    "g4dn.xlarge": (16384, "3920m", "14481Mi"),
    "g5.xlarge": (22888, "3920m", "14162Mi"),
    "g5.2xlarge": (22888, "7910m", "29317Mi"),
    "g6.xlarge": (22888, "3920m", "14162Mi"),
    "g6.2xlarge": (22888, "7910m", "29317Mi"),
    "g6e.xlarge": (45776, "3920m", "29317Mi"),
    "g6e.2xlarge": (45776, "7910m", "59627Mi"),
    "gr6.4xlarge": (22888, "15890m", "118312Mi"),
    "g7e.2xlarge": (98304, "7910m", "57471Mi"),
    "p5.4xlarge": (81920, "15890m", "240830Mi"),
}


def reserved_cpu(vcpu: int) -> int:
    """What the kubelet keeps, in thousandths: 6 % of the first core, 1 % of the second, 0.5 % of two, 0.25 % beyond."""
    quarters = [240, 40, 20, 20] + [10] * max(0, vcpu - 4)
    return -(-sum(quarters[:vcpu]) // 4)


@pytest.mark.parametrize("name", sorted(instance_types()))
def test_every_row_reads_and_offers_less_than_it_has(name: str) -> None:
    row = read_file(TABLE).data["types"][name]
    kind = instance_types()[name]
    assert kind.name == name
    assert kind.arch in ("amd64", "arm64")
    assert kind.cpu.milli == kind.vcpu * 1000 - reserved_cpu(kind.vcpu)
    assert Memory(1 << 30) < kind.memory < Memory.parse(row["memory"])
    assert Disk().pods_share == Memory.parse(row["allocatable"]["ephemeral_storage"])
    assert 1 <= kind.pods <= (MAX_PODS if kind.vcpu <= 30 else MAX_PODS_LARGE)
    assert re.fullmatch(r"[0-9]+\.[0-9]{6}", row["price"])
    assert (kind.gpu_memory is None) == (kind.gpus == 0)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_the_gpu_nodes_offer_what_the_field_notes_say(name: str) -> None:
    kind = instance_types()[name]
    gpu, cpu, memory = FACTS[name]
    assert (kind.cpu, kind.memory) == (Cpu.parse(cpu), Memory.parse(memory))
    assert kind.gpus == 1
    assert kind.gpu_memory is not None
    assert kind.gpu_memory.bytes == gpu << 20


def test_the_kubelet_takes_no_more_pods_than_eks_lets_it() -> None:
    kinds = instance_types()
    assert kinds["c6i.large"].pods == 29
    assert kinds["c6i.4xlarge"].pods == 110  # its network interfaces would take 234
    assert kinds["g5.12xlarge"].pods == 250  # 48 vCPU; its network interfaces would take 737


def test_no_type_with_gpus_is_arm64_since_the_image_with_nvidias_driver_is_not() -> None:
    assert {kind.arch for kind in instance_types().values() if kind.gpus} == {"amd64"}


def test_the_table_says_where_it_comes_from() -> None:
    data = read_file(TABLE).data
    assert data["source"]["repository"] == "aws/karpenter-provider-aws"
    assert re.fullmatch(r"[0-9a-f]{40}", data["source"]["commit"])
    assert data["prices"]["region"] == "us-east-1"
