"""The program that `pulumi preview`, `pulumi up` and `make plan` run: settings in, one platform out."""

import pulumi

from components.llm_platform import LlmPlatform, LlmPlatformArgs
from settings.load import load
from settings.stack_file import NAMESPACE

loaded = load(pulumi.Config(NAMESPACE))
platform = LlmPlatform(
    loaded.settings.name,
    LlmPlatformArgs(settings=loaded.settings, secrets=loaded.secrets, kubeconfig=loaded.kubeconfig),
)
for output, value in platform.outputs.items():
    pulumi.export(output, value)
