"""Fetches one revision of a Hugging Face repository into a folder. Runs in the download Job, not in this program.

    python fetch_weights.py REPOSITORY REVISION FOLDER [PATTERN_TO_SKIP ...]

The folder appears only when it is complete: servers wait for it by its name. What was there before is left alone, so
running it again does nothing. An interrupted download goes on where it stopped. The token is read by huggingface_hub
from the file that HF_TOKEN_PATH names. Exit code 0: it is there; 1: try again; 2: trying again cannot help.
"""

from __future__ import annotations

import os
import signal
import sys
from fnmatch import fnmatch
from pathlib import Path
from types import FrameType

from huggingface_hub import HfApi, errors, snapshot_download

AGAIN, NEVER = 1, 2
WEIGHTS = ("*.safetensors", "*.gguf", "pytorch_model*.bin", "adapter_model*.bin")


def main(arguments: list[str]) -> int:
    """Fetches, and says in one line what happened."""
    repository, revision, target, *skip = arguments
    folder = Path(target)
    if folder.exists():
        print(f"{folder} is complete")
        return 0
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    print(f"fetching {repository} at {revision} into {partial}", flush=True)
    try:
        wanted = listed(repository, revision, skip)
        snapshot_download(repository, revision=revision, local_dir=partial, ignore_patterns=skip or None)
    except errors.GatedRepoError:
        print(f"{repository} is gated: accept its licence with the token's account, or give another token")
        return NEVER
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        print(f"{repository} at {revision} is not there, or the token may not see it: {error}")
        return NEVER
    except Exception as error:  # noqa: BLE001  # whatever the network does, the Job may try again
        print(f"{repository} at {revision} failed: {type(error).__name__}: {error}")
        return AGAIN
    # The library takes a folder with anything in it for good when the hub cannot be reached in the middle.
    missing = [name for name in wanted if not (partial / name).is_file()]
    if missing:
        print(f"{repository} at {revision} lacks {len(missing)} of {len(wanted)} files, {missing[0]} among them")
        return AGAIN
    if not any(fnmatch(Path(name).name, pattern) for name in wanted for pattern in WEIGHTS):
        print(
            f"{repository} at {revision} has no weights among its {len(wanted)} files: look at what is skipped ({skip})"
        )
        return NEVER
    size = sum((partial / name).stat().st_size for name in wanted)
    partial.rename(folder)
    print(f"{folder} is complete: {len(wanted)} files, {size / 2**30:.1f} GiB")
    return 0


def listed(repository: str, revision: str, skip: list[str]) -> list[str]:
    """The files that the hub has at the revision, without those to skip."""
    siblings = HfApi().model_info(repository, revision=revision).siblings or []
    names = [sibling.rfilename for sibling in siblings]
    return [name for name in names if not any(fnmatch(name, pattern) for pattern in skip)]


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Ends at once: the kernel ends a container's first process by SIGTERM only if it asks for it, and a drained node
    would wait out the grace period. The library's threads are not waited for; the next try goes on from their files.
    """
    print("ended by SIGTERM", flush=True)
    os._exit(AGAIN)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    sys.exit(main(sys.argv[1:]))
