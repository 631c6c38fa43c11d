"""Every object of every stack passes the API server's own validation, strictly and without a warning."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.live.live import Live
from tests.support import STACKS
from workbench.deploy import apply
from workbench.deploy.likeness import likeness
from workbench.localcluster.api import ApiError
from workbench.plan.stack import plan_file

pytestmark = pytest.mark.live


def test_every_object_of_every_stack_is_taken_without_a_warning(live: Callable[..., Live]) -> None:
    here = live("local", nodes=False)
    for stack in STACKS:
        alike = likeness(stack)
        todo = apply.steps(plan_file(stack, alike.file, alike.resolved).graph)
        assert len(todo) > 80
        for step in todo:
            if step.manifest["kind"] == "Namespace":  # nothing is validated in a namespace that is not there
                here.api.apply(step.manifest, manager=apply.MANAGER)
        answers = [here.api.apply(step.manifest, manager=apply.MANAGER, dry_run=True) for step in todo]
        assert [warning for answer in answers for warning in answer.warnings] == []


def test_a_misspelt_field_and_what_pod_security_forbids_are_noticed(live: Callable[..., Live]) -> None:
    here = live("local", nodes=False)
    todo = here.steps()
    here.api.apply(next(s.manifest for s in todo if s.manifest["metadata"]["name"] == "quant"))
    deployment = next(
        s.manifest for s in todo if s.manifest["metadata"]["name"] == "quant-api" and "replicas" in s.manifest["spec"]
    )
    deployment["spec"]["template"]["spec"]["securityContext"].pop("seccompProfile")
    assert "violate PodSecurity" in " ".join(here.api.apply(deployment, dry_run=True).warnings)
    deployment["spec"]["template"]["spec"]["enableServiceLink"] = False
    with pytest.raises(ApiError, match="enableServiceLink"):
        here.api.apply(deployment, dry_run=True)
