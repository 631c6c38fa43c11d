"""What the program reads from the engine: the overlay, the secrets, the way to a cluster; and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from settings.load import DOCUMENTATION_ACCOUNTS, Loaded, load
from settings.problems import SettingsError
from settings.resolve import resolve
from settings.stack_file import KUBECONFIG_KEY, NAMESPACE
from settings.yaml_reader import Document
from tests.support import STACKS, World, put, stack_file, stack_settings
from workbench.plan.recorder import PLACEHOLDER, ProgramError

KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "here",
    "contexts": [{"name": "here", "context": {}}, {"name": "there", "context": {}}],
}


def local(**changes: Any) -> dict[str, Any]:
    """An overlay of the committed platform on a cluster that exists."""
    overlay: dict[str, Any] = {"base": "llm-optimization", "environment": "local", "cluster": {"kind": "existing"}}
    for path, value in changes.items():
        put(overlay, tuple(path.split("__")), value)
    return overlay


class Run:
    """One run of a program that loads its settings."""

    def __init__(
        self, overlay: Any, secrets: tuple[str, ...] = (), *, preview: bool = True, stack: str = "test"
    ) -> None:
        self.values: dict[str, Any] = {}
        self.loaded: Loaded | None = None
        config = {} if overlay is None else {f"{NAMESPACE}:platform": overlay}
        names = tuple(f"{NAMESPACE}:{name}" for name in secrets)
        World().deploy(self._program, stack=stack, config=config, secrets=names, preview=preview)

    def _program(self) -> None:
        self.loaded = load(pulumi.Config(NAMESPACE))
        outputs = {**self.loaded.secrets, "kubeconfig": self.loaded.kubeconfig}
        for name, output in outputs.items():
            if output is not None:
                output.apply(lambda value, name=name: self.values.setdefault(name, value))
                pulumi.export(name, output)


def refused(overlay: Any, secrets: tuple[str, ...] = (), **how: Any) -> str:
    """The one message that a run ends with."""
    with pytest.raises(ProgramError) as error:
        Run(overlay, secrets, **how)
    assert isinstance(error.value.__cause__, pulumi.RunError)
    message = str(error.value.__cause__)
    assert "Traceback" not in message
    assert "File " not in message
    assert message.splitlines()[0].endswith("in the settings, nothing was changed:")
    return message


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without a kubeconfig, and no variable that names one."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kubeconfig(path: Path, data: Any = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = data if isinstance(data, str) else json.dumps(KUBECONFIG if data is None else data)
    path.write_text(text, encoding="utf-8")
    return text


@pytest.mark.parametrize("stack", STACKS)
def test_the_engine_and_a_stack_file_lead_to_the_same_settings(stack: str) -> None:
    """The engine hands the overlay over as JSON with sorted keys; the file has its own order and lines."""
    file = stack_file(stack)
    run = Run(file.overlay.data, (*sorted(file.secrets), KUBECONFIG_KEY), stack=stack)
    assert run.loaded is not None
    assert run.loaded.settings == stack_settings(stack).settings


def test_the_same_overlay_with_sorted_keys_gives_the_same_settings() -> None:
    data = stack_file("prod").overlay.data
    handed_over = json.loads(json.dumps(data, sort_keys=True))
    assert list(handed_over) != list(data)
    assert resolve(Document("x", handed_over), ()).settings == resolve(Document("x", data), ()).settings


def test_settings_that_are_refused_end_the_program_with_one_message_that_has_all_of_them() -> None:
    message = refused(local(services__gateway={"replicas": 0, "prot": 1}), stack="mine")
    assert message.splitlines() == [
        "2 problems in the settings, nothing was changed:",
        "  Pulumi.mine.yaml: services.gateway.prot: there is no such key here",
        "      fix: did you mean port?",
        "  Pulumi.mine.yaml: services.gateway.replicas: the number 0 is outside 1 to 1000",
        "      fix: for example 2",
    ]


def test_a_broken_rule_ends_the_program_the_same_way() -> None:
    message = refused(local(services__gateway={"pool": "nowhere"}))
    assert 'services.gateway.pool: there is no node pool "nowhere"' in message


@pytest.mark.parametrize("overlay", ["text", "5", "[1", '"quoted"', "true", "", "{", "null", "[]", "NaN"])
def test_a_platform_that_is_no_map_is_refused(overlay: str) -> None:
    message = refused(overlay)
    assert 'Pulumi.test.yaml: config."llmplatform:platform": ' in message


def test_a_stack_without_a_platform_is_told_what_to_give() -> None:
    message = refused(None)
    assert 'config."llmplatform:platform": is missing' in message
    assert "give llmplatform:platform: with base and environment in Pulumi.test.yaml" in message


def test_a_platform_that_is_marked_secret_is_refused() -> None:
    message = refused(local(), ("platform",))
    assert "a secret may not stand inside the platform" in message
    assert "a key of its own beside it" in message


@pytest.mark.parametrize("preview", [True, False])
def test_an_eks_cluster_is_made_and_needs_no_kubeconfig(preview: bool, nowhere: Path) -> None:
    kubeconfig(nowhere / ".local" / "kubeconfig")
    cluster = {
        "kind": "eks",
        "deployer": "arn:aws:iam::999988887777:role/deployer",
        "break_glass": "arn:aws:iam::999988887777:role/break-glass",
    }
    overlay = local(cluster=cluster, aws={"account": "999988887777"})
    run = Run(overlay, preview=preview)
    assert run.loaded is not None
    assert run.loaded.kubeconfig is None


@pytest.mark.parametrize("account", sorted(DOCUMENTATION_ACCOUNTS))
def test_an_account_of_the_documentation_is_previewed_and_never_deployed_to(account: str, nowhere: Path) -> None:
    kubeconfig(nowhere / ".local" / "kubeconfig")
    overlay = local(aws={"account": account})
    assert Run(overlay).loaded is not None
    message = refused(overlay, preview=False)
    assert f"aws.account: {account} is an example account of AWS's documentation" in message
    assert "give your own account id, in quotes" in message


@pytest.mark.parametrize("stack", [stack for stack in STACKS if stack != "local"])
def test_up_of_a_committed_eks_stack_waits_for_an_account_of_your_own(stack: str) -> None:
    message = refused(stack_file(stack).overlay.data, preview=False, stack=stack)
    assert message.startswith("1 problem in the settings")
    assert "aws.account: " in message


def test_up_of_a_cluster_that_exists_needs_nothing_but_its_kubeconfig(nowhere: Path) -> None:
    text = kubeconfig(nowhere / ".local" / "kubeconfig")
    assert Run(local(), preview=False).values == {"kubeconfig": text}


def test_secrets_are_read_by_name_into_outputs_that_are_secret() -> None:
    overlay = local(services__gateway={"secrets": {"api-key": {"config": "gatewayApiKey"}}})
    run = Run(overlay, ("gatewayApiKey", KUBECONFIG_KEY))
    assert run.values == {"gatewayApiKey": PLACEHOLDER, "kubeconfig": PLACEHOLDER}


def test_a_secret_that_the_stack_lacks_is_answered_with_the_command_that_makes_it() -> None:
    overlay = local(services__gateway={"secrets": {"api-key": {"config": "gatewayApiKey"}}})
    message = refused(overlay, (KUBECONFIG_KEY,))
    assert 'services.gateway.secrets.api-key.config: the stack has no secure key "gatewayApiKey"' in message
    assert "fix: pulumi config set --secret llmplatform:gatewayApiKey" in message


def test_a_secret_that_no_setting_names_is_refused_as_it_is_offline() -> None:
    message = refused(local(), ("gatewayApiKy", KUBECONFIG_KEY))
    assert 'config."llmplatform:gatewayApiKy": no setting names this secret' in message


def test_the_secure_key_comes_before_every_file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeconfig(nowhere / "stated")
    kubeconfig(nowhere / ".local" / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(nowhere / "stated"))
    run = Run(local(cluster={"kind": "existing", "kubeconfig": "stated"}), (KUBECONFIG_KEY,))
    assert run.values == {"kubeconfig": PLACEHOLDER}


def test_the_setting_comes_before_the_variable_and_the_variable_before_the_default(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated, variable, default = (
        kubeconfig(path, {**KUBECONFIG, "users": [{"name": name}]})
        for name, path in (
            ("setting", nowhere / "stated"),
            ("variable", nowhere / "variable"),
            ("default", nowhere / ".local" / "kubeconfig"),
        )
    )
    assert Run(local()).values == {"kubeconfig": default}
    monkeypatch.setenv("KUBECONFIG", str(nowhere / "variable"))
    assert Run(local()).values == {"kubeconfig": variable}
    assert Run(local(cluster={"kind": "existing", "kubeconfig": "stated"})).values == {"kubeconfig": stated}


def test_the_first_file_of_several_that_exists_is_taken(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = kubeconfig(nowhere / "second")
    monkeypatch.setenv("KUBECONFIG", f"{nowhere / 'first'}::{nowhere / 'second'}")
    assert Run(local()).values == {"kubeconfig": text}


def test_a_path_from_the_home_folder_is_found(nowhere: Path) -> None:
    text = kubeconfig(nowhere / ".kube" / "config")
    assert Run(local(cluster={"kind": "existing", "kubeconfig": "~/.kube/config"})).values == {"kubeconfig": text}


@pytest.mark.parametrize("stated", ["missing", "~nobody-of-this-name/config", "x" * 5000, "folder", "a/b/c"])
def test_a_kubeconfig_that_is_not_there_is_told_where_it_could_be(nowhere: Path, stated: str) -> None:
    (nowhere / "folder").mkdir()
    (nowhere / "a").write_text("no folder")
    message = refused(local(cluster={"kind": "existing", "kubeconfig": stated}))
    assert "Pulumi.test.yaml: cluster.kubeconfig: there is no kubeconfig at " in message
    assert "set KUBECONFIG, or put one at .local/kubeconfig, or give cluster.kubeconfig" in message


@pytest.mark.usefixtures("nowhere")
def test_without_any_kubeconfig_the_default_place_is_named() -> None:
    assert "there is no kubeconfig at .local/kubeconfig" in refused(local())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("just text", "is no kubeconfig: it has no contexts"),
        ("", "is no kubeconfig: it has no contexts"),
        ("- a", "is no kubeconfig: it has no contexts"),
        ("contexts: 5", "is no kubeconfig: it has no contexts"),
        ("contexts: [5, {x: y}]", "is no kubeconfig: it has no contexts"),
        ("a: [", "cannot be read as YAML: "),
        ("a: !!python/object:os.system x", "cannot be read as YAML: "),
        ({**KUBECONFIG, "current-context": ""}, "has no current context"),
        ({**KUBECONFIG, "current-context": "elsewhere"}, 'has no context "elsewhere"'),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_refused(nowhere: Path, data: Any, reason: str) -> None:
    kubeconfig(nowhere / ".local" / "kubeconfig", data)
    message = refused(local())
    assert f".local/kubeconfig {reason}" in message
    assert len(message.splitlines()) == 3


def test_bytes_that_are_no_text_are_refused(nowhere: Path) -> None:
    kubeconfig(nowhere / ".local" / "kubeconfig")
    (nowhere / ".local" / "kubeconfig").write_bytes(b"contexts: \xff\xfe")
    assert "cannot be read as YAML" in refused(local())


def test_what_kubectl_takes_is_taken_even_where_our_own_files_are_stricter(nowhere: Path) -> None:
    """Dates, octals and merge keys are refused in platforms and stacks; a kubeconfig is not ours."""
    text = kubeconfig(
        nowhere / ".local" / "kubeconfig",
        "current-context: here\nexpiry: 2024-01-01T00:00:00Z\nmode: 0755\ncontexts: [{name: here}]\n",
    )
    assert Run(local()).values == {"kubeconfig": text}


def test_an_unknown_context_is_answered_with_the_nearest_one(nowhere: Path) -> None:
    kubeconfig(nowhere / ".local" / "kubeconfig")
    assert Run(local(cluster={"kind": "existing", "context": "there"})).loaded is not None
    message = refused(local(cluster={"kind": "existing", "context": "thre"}))
    assert 'cluster.context: .local/kubeconfig has no context "thre"' in message
    assert "fix: did you mean there?" in message


def test_a_stated_context_makes_up_for_a_missing_current_one(nowhere: Path) -> None:
    kubeconfig(nowhere / ".local" / "kubeconfig", {**KUBECONFIG, "current-context": None})
    assert Run(local(cluster={"kind": "existing", "context": "there"})).loaded is not None
    assert "fix: use one of: here, there" in refused(local())


def test_a_setting_that_the_engine_cannot_write_in_json_is_refused_and_never_raised() -> None:
    for text in ('{"base": "llm-optimization", "environment": "local", "name": 1e999}', '{"base": "\\ud800"}'):
        assert "in the settings" in refused(text)


def test_resolve_raises_what_load_turns_into_the_engines_error() -> None:
    with pytest.raises(SettingsError):
        resolve(Document("x", {"base": "nothing"}), ())


def test_a_region_of_the_aws_provider_that_differs_from_the_platforms_is_refused() -> None:
    def program() -> None:
        load(pulumi.Config(NAMESPACE))

    config = {f"{NAMESPACE}:platform": local()}
    secrets = (f"{NAMESPACE}:{KUBECONFIG_KEY}",)
    World().deploy(program, config={**config, "aws:region": "us-west-2"}, secrets=secrets)
    with pytest.raises(ProgramError, match=r"says eu-west-1, and the platform's aws\.region says us-west-2"):
        World().deploy(program, config={**config, "aws:region": "eu-west-1"}, secrets=secrets)
