"""The recorder: what it keeps of a program, and what it says of one that fails."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest

from policy.graph import SECRET, undecided
from tests.conftest import planned
from tests.support import STACKS, World, stack_file
from workbench.plan.recorder import ProgramError
from workbench.plan.stack import run_program


class Box(pulumi.ComponentResource):
    """A component that protects what is inside and lets it go with an owner."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Box", name, None, opts)
        inside = k8s.core.v1.ConfigMap(
            f"{name}-inside",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="inside", namespace="n"),
            data={"key": "value"},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"name": inside.metadata.name})


def config_map(name: str, data: dict[str, pulumi.Input[str]], **opts: object) -> k8s.core.v1.ConfigMap:
    metadata = k8s.meta.v1.ObjectMetaArgs(name=name, namespace="n")
    return k8s.core.v1.ConfigMap(name, metadata=metadata, data=data, opts=pulumi.ResourceOptions(**opts))


def test_the_graph_keeps_dependencies_providers_and_what_children_inherit(world: World) -> None:
    def program() -> None:
        provider = k8s.Provider("p", kubeconfig="x")
        owner = config_map("owner", {"a": "b"}, provider=provider)
        Box("box", pulumi.ResourceOptions(provider=provider, deleted_with=owner, protect=True))
        config_map("after", {"copy": owner.data["a"]}, provider=provider, depends_on=[owner])

    graph = world.deploy(program)
    named = {r.name: r for r in graph.resources}
    inside, after, owner = named["box-inside"], named["after"], named["owner"]
    assert inside.parent == named["box"].urn
    assert inside.provider == named["p"].urn
    assert inside.deleted_with == owner.urn, "inherited from the component, as the engine does"
    assert inside.protect
    assert after.dependencies == (owner.urn,)
    assert after.property_dependencies == {"data": (owner.urn,)}
    assert after.inputs["data"] == {"copy": "b"}
    assert (inside.source or "").startswith("test_recorder.py:")
    assert graph.resources == tuple(sorted(graph.resources, key=lambda r: r.urn))


def test_secrets_are_masked_and_unknowns_are_markers_that_name_resource_and_property(world: World) -> None:
    def program() -> None:
        one = config_map("one", {"token": pulumi.Output.secret("s3cr3t"), "plain": "x"})
        config_map("two", {"id": one.id, "url": pulumi.Output.concat("http://", one.id, "/v1")})
        pulumi.export("token", pulumi.Output.secret("s3cr3t"))

    graph = world.deploy(program)
    named = {r.name: r for r in graph.resources}
    assert SECRET in str(named["one"].inputs)
    assert "s3cr3t" not in str(graph)
    marker = "${kubernetes:core/v1:ConfigMap one.id}"
    assert named["two"].inputs["data"] == {"id": marker, "url": f"http://{marker}/v1"}
    assert undecided(named["two"].inputs) == ["data.id", "data.url"]
    assert graph.outputs == {"token": SECRET}


def test_a_second_run_with_true_unknowns_registers_the_same_resources(world: World) -> None:
    def program() -> None:
        one = config_map("one", {"plain": "x"})
        config_map("two", {"url": pulumi.Output.concat("http://", one.id)})

    with_markers = world.deploy(program)
    unknown = world.deploy(program, unknowns=True)
    assert [r.urn for r in with_markers.resources] == [r.urn for r in unknown.resources]
    assert unknown.resources[1].inputs["data"] == {"url": "${kubernetes:core/v1:ConfigMap two.data.url}"}


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_registers_the_same_with_markers_and_with_true_unknowns(stack: str) -> None:
    unknown, _ = run_program(stack, stack_file(stack), unknowns=True)
    assert [r.urn for r in planned(stack).graph.resources] == [r.urn for r in unknown.resources]


def test_a_program_that_fails_leaves_no_task_no_loop_and_no_thread_behind(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    before = threading.active_count()

    def program() -> None:
        config_map("one", {"a": "b"})
        raise ValueError("no such thing")

    with pytest.raises(ProgramError, match="no such thing") as caught:
        world.deploy(program)
    assert isinstance(caught.value.__cause__, ValueError)
    assert threading.active_count() <= before
    gc.collect()
    assert caplog.records == [], "a task that nobody asks would be logged when it is collected, wherever that is"
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    world.deploy(lambda: config_map("fine", {"a": "b"}))
    assert len(world.graph.resources) == 1


def test_an_exception_inside_apply_fails_the_plan(world: World) -> None:
    def program() -> None:
        config_map("one", {"a": pulumi.Output.from_input("b").apply(lambda _: {}["missing"])})

    with pytest.raises(ProgramError, match="missing"):
        world.deploy(program)


def test_two_resources_of_one_name_under_one_parent_are_refused(world: World) -> None:
    def program() -> None:
        config_map("one", {"a": "b"})
        config_map("one", {"a": "c"})

    with pytest.raises(ProgramError, match="two resources are called kubernetes:core/v1:ConfigMap one"):
        world.deploy(program)


def test_a_look_up_is_refused(world: World) -> None:
    def program() -> None:
        pulumi.runtime.invoke("aws:index/getRegion:getRegion", {})

    with pytest.raises(ProgramError, match="look-ups are not allowed"):
        world.deploy(program)


def test_configuration_arrives_as_the_engine_hands_it_over_and_secrets_stay_secret(world: World) -> None:
    def program() -> None:
        config = pulumi.Config("llmplatform")
        assert list(config.require_object("platform")) == ["a", "b"]
        config_map("one", {"token": config.require_secret("token")})

    graph = world.deploy(program, config={"llmplatform:platform": {"b": 1, "a": 2}}, secrets=("llmplatform:token",))
    assert SECRET in str(graph.resources[0].inputs)


def test_warnings_of_the_program_are_kept(world: World) -> None:
    world.deploy(lambda: pulumi.log.warn("mind the gap"))
    assert world.messages == [("warning", "mind the gap")]


def test_an_asset_is_named_as_what_the_plan_cannot_show(world: World, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    program = lambda: config_map("one", {"a": pulumi.FileAsset(str(tmp_path / "a"))})  # type: ignore[dict-item]  # noqa: E731
    with pytest.raises(ProgramError, match="asset"):
        world.deploy(program)
