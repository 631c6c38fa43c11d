"""Whatever is broken in the committed files, it ends in valid settings or in problems that a user can mend."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable

import pytest

from settings import drain, start_up, weights
from settings.demand import model_resources
from settings.environment import variables
from settings.expected import expected
from settings.flows import flows, quiet
from settings.model import PlatformSettings
from settings.names import image
from settings.pins import pinned, supplies
from settings.problems import Problem, SettingsError
from settings.resolve import Resolved, resolve, settle
from settings.serving import serve
from settings.yaml_reader import Document
from tests.settings.mutation import OF_PLATFORM, OF_STACKS, Mutant, committed, mutants, platform_file
from tests.support import STACKS

FULL = os.environ.get("FULL") == "1"
SAMPLED = f"1 in {OF_STACKS} of the stack files, 1 in {OF_PLATFORM} of the platform file; FULL=1 runs all"
RUN = "FULL=1: every one of them" if FULL else SAMPLED


def outcome(stack: str, mutant: Mutant) -> Resolved | SettingsError:
    """How the settings of a mutant end; any other exception fails the test, with the mutant's description."""
    file, base = committed(stack), platform_file()
    overlay = Document(file.overlay.name, mutant.overlay, file.overlay.lines)
    try:
        if not isinstance(mutant.overlay, dict) or mutant.overlay.get("base") != "llm-optimization":
            return resolve(overlay, file.secrets)
        return settle(Document(base.name, mutant.base, base.lines), overlay, file.secrets)
    except SettingsError as error:
        return error
    except Exception as error:
        raise AssertionError(mutant.description) from error


def complete(problem: Problem) -> bool:
    """True if a user finds the place and the way out."""
    str(problem).encode("utf-8")
    said = problem.reason + problem.fix
    return bool(problem.file and problem.reason and problem.fix and "Input should" not in said and "\n" not in said)


def usable(settings: PlatformSettings) -> None:
    """Everything that a plan asks of settings; valid settings answer all of it."""
    flows(settings)
    quiet(settings)
    supplies(settings)
    expected(settings)
    for name, service in settings.services.items():
        assert drain.solve(settings, name).grace.seconds <= drain.ON_DEMAND_PROMISE
        assert variables(settings, name)
        assert image(settings, service.image)
    for name, model in settings.models.items():
        assert drain.solve_model(settings, name).grace.seconds <= drain.ON_DEMAND_PROMISE
        assert model.engine.command_line(serve(settings, name))
        assert image(settings, pinned(model.engine.pinned_image))
        assert model_resources(settings, name)
        assert start_up.deadline(settings, name, model.pool) >= start_up.probes(settings, name).startup.window
        start_up.outage(settings, name)
    for name, cache in settings.caches.items():
        assert image(settings, pinned(cache.image))
        assert all(len(download.job) <= weights.JOB_LIMIT for download in weights.of_cache(settings, name))


@pytest.mark.parametrize("stack", STACKS)
def test_every_mutant_is_valid_or_refused_with_path_file_reason_and_fix(
    stack: str, record_property: Callable[[str, object], None]
) -> None:
    ends: Counter[str] = Counter()
    start = time.perf_counter()
    for mutant in mutants(stack, full=FULL):
        found = outcome(stack, mutant)
        if isinstance(found, SettingsError):
            ends["refused"] += 1
            assert found.problems, mutant.description
            assert all(map(complete, found.problems)), (mutant.description, str(found))
        else:
            ends["valid"] += 1
            usable(found.settings)
    assert ends["valid"] > 10
    assert ends["refused"] > 300
    record_property("mutants", dict(ends))
    record_property("mutants run", RUN)
    record_property("seconds", round(time.perf_counter() - start, 1))


def test_there_are_thousands_of_mutants_and_each_is_another_one() -> None:
    every = [mutant for stack in STACKS for mutant in mutants(stack)]
    assert len(every) > 2500
    assert len({mutant.description for mutant in every}) == len(every)


def test_a_mutant_changes_one_file_and_leaves_the_other_and_the_originals_alone() -> None:
    file, base = committed("prod"), platform_file()
    before = repr(file.overlay.data), repr(base.data)
    for mutant in mutants("prod"):
        assert (mutant.overlay == file.overlay.data) != (mutant.base == base.data), mutant.description
    assert (repr(file.overlay.data), repr(base.data)) == before
