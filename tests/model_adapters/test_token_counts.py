"""What counts the tokens of a workload: the embedded model's tokenizer, by what is installed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from extras import from_extra

from interpreter.errors import MissingExtraError
from model_adapters.commands import workload
from model_adapters.commands.workload import token_counter
from model_adapters.embedded.smollm2 import AS_PUBLISHED, fetch_embedded
from model_adapters.errors import AdapterError

TEXTS = (
    "",
    "Hi.",
    'get_weather(city="Paris", days=[1, 2])',
    "Größe, 日本 <|im_end|> [CALL]\n\n  x",
)


def without(*missing: str) -> Callable[[str], object]:
    return lambda name: None if name in missing else object()


def test_the_gguf_file_counts_as_the_converted_model_does(monkeypatch: pytest.MonkeyPatch) -> None:
    from_extra("llamacpp", "xllamacpp")
    from_extra("hf", "torch")
    fetch_embedded(AS_PUBLISHED)
    fetch_embedded()
    counters = []
    for missing in ("xllamacpp", "tokenizers"):
        monkeypatch.setattr(workload, "find_spec", without(missing))
        counters.append(token_counter("smollm2", yes=True))
    counts = [[counter(text) for text in TEXTS] for counter in counters]
    assert counts[0] == counts[1]
    assert counts[0][0] == 0 < counts[0][1]


def test_where_nothing_counts_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_folder(*_: object) -> bool:  # in the core nothing knows the user's folders
        raise MissingExtraError("platformdirs")

    monkeypatch.setattr(workload, "find_spec", without("xllamacpp", "tokenizers", "transformers"))
    monkeypatch.setattr(workload, "is_embedded_fetched", no_folder)
    with pytest.raises(AdapterError, match=r"\[llamacpp\].*--tokenizer characters"):
        token_counter("smollm2", yes=False)
    assert token_counter("characters", yes=False)("12345") == 2


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"model": 5}'])
def test_a_tokenizer_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    from_extra("bfcl", "tokenizers")
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(AdapterError, match=r"tokenizer\.json: no tokenizer that can be read"):
        token_counter(str(tmp_path), yes=False)
