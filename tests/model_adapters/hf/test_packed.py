"""Packed matrices: the same products bit by bit, so the same tokens; and plain ones wherever that cannot be had."""

import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from extras import from_extra
from hypothesis import given, settings
from hypothesis import strategies as st

from cml.profile import Spelling
from interpreter.session import Batch, EndOfDecoding, Piece
from model_adapters.backends import Request, open_backend
from model_adapters.errors import AdapterError
from model_adapters.hf import packed
from model_adapters.hf.batch import DecodingBatch
from model_adapters.hf.marker_tokens import with_marker_tokens
from model_adapters.hf.model import HfModel, load
from model_adapters.hf.packed import packed_linear, with_packed_matrices
from model_adapters.hf.session import HfSession
from model_adapters.opening import Sampling
from model_adapters.prompt import Message
from model_adapters.testing import check_session

if TYPE_CHECKING:
    import torch
else:
    torch = from_extra("hf", "torch")

ASK = (Message("user", "Count from one to twenty, in words."),)
PACKED = "matrices packed for oneDNN"

pytestmark = pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="no CPU that computes in bfloat16"
)


@pytest.fixture(scope="module")
def folder(drawn: Callable[[Mapping[str, object]], Path]) -> Path:
    """A model whose matrices are large enough to be packed; the last of them is its embedding."""
    sizes = {"hidden_size": 256, "intermediate_size": 320}
    return drawn({"model_type": "llama", "tie_word_embeddings": True, **sizes})


def plain_of(folder: Path) -> HfModel:
    return load(folder, device="cpu", dtype="bfloat16", threads=1)


@pytest.fixture(scope="module")
def plain(folder: Path) -> HfModel:
    return plain_of(folder)


@pytest.fixture(scope="module")
def model(folder: Path) -> HfModel:
    return with_packed_matrices(plain_of(folder))


@st.composite
def products(draw: st.DrawFn) -> "tuple[torch.nn.Linear, torch.Tensor]":
    """A matrix of a random shape, and rows to be multiplied with it, some of them with gaps between.

    With a bias torch rounds twice where there are gaps, and once elsewhere, as packed matrices do.
    """
    inner, outer = (draw(st.integers(packed._LEAST, 900)) for _ in range(2))
    rows = draw(st.one_of(st.just(1), st.integers(2, 20), st.sampled_from([63, 64, 65, 200, 512])))
    chance = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    layer = torch.nn.Linear(inner, outer, bias=draw(st.booleans()))
    for each in layer.parameters():
        each.data = torch.randn(each.shape, generator=chance)
    shape = (rows, 1, inner) if draw(st.booleans()) else (1, rows, inner)
    spread = torch.randn(*shape[:-1], 2 * inner, generator=chance).bfloat16()
    found = spread[..., ::2] if draw(st.booleans()) else spread[..., :inner]
    return layer.bfloat16(), found if layer.bias is None else found.contiguous()


@settings(max_examples=80, deadline=None)
@given(products())
def test_products_are_those_of_the_plain_matrix_to_the_last_bit(
    product: "tuple[torch.nn.Linear, torch.Tensor]",
) -> None:
    layer, rows = product
    with torch.inference_mode():
        assert torch.equal(packed_linear()(layer)(rows), layer(rows))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.integers(0, 2**32))
def test_scores_are_those_of_the_plain_model_to_the_last_bit(
    plain: HfModel, model: HfModel, lengths: list[int], seed: int
) -> None:
    """Of a prompt, of single tokens and of stretches behind it."""
    chance = torch.Generator().manual_seed(seed)
    sessions = [HfSession(each, ASK) for each in (plain, model)]
    for length in lengths:
        added = torch.randint(plain.vocabulary_size, (length,), generator=chance).tolist()
        scores = []
        for session in sessions:
            session._kv.extend(added)
            scores.append(session._kv.scores())
        assert torch.equal(*scores)


def written(model: HfModel, batch: DecodingBatch | None = None) -> tuple[int, ...]:
    sampling = Sampling(temperature=1.5, seed=4)
    session = HfSession(model, ASK, max_tokens=60, sampling=sampling, batch=batch)
    for _ in range(20):
        piece = session.decode()
    while isinstance(piece, Piece) and piece.partial:  # an interrupt never goes into a character
        piece = session.decode()
    session.append(Batch("it is 18° "))
    while not isinstance(session.decode(), EndOfDecoding):
        pass
    return session.ids


def test_a_batch_of_packed_matrices_is_as_exact_and_writes_the_same(
    plain: HfModel, model: HfModel
) -> None:
    found = []
    for each in (plain, model):
        with DecodingBatch(each, rows=16) as batch:
            found.append((batch.exact, written(each, batch)))
    assert found[0] == found[1]


def test_a_session_on_packed_matrices_keeps_the_contract(model: HfModel) -> None:
    sampling = Sampling(temperature=2.0, seed=3)
    checked = check_session(
        lambda: HfSession(model, ASK, max_tokens=400, sampling=sampling, at_trap="recompute"),
        steps=8,
    )
    assert checked.not_exercised == {}


def test_plain_matrices_are_freed_but_for_the_embedding(folder: Path) -> None:
    model = plain_of(folder)
    network = model.network
    vectors = {name for name, each in network.named_parameters() if each.ndim == 1}
    linears = [each for each in network.modules() if type(each) is torch.nn.Linear]
    matrices = [weakref.ref(each.weight) for each in linears]
    del linears
    with_packed_matrices(model)
    alive = [each() for each in matrices if each() is not None]
    assert len(matrices) > len(alive) == 1
    assert alive[0] is network.get_input_embeddings().weight
    named = {name for name, _ in network.named_parameters()}
    assert named == {*vectors, "model.embed_tokens.weight"}


def test_other_data_types_and_a_second_time_change_nothing(folder: Path, model: HfModel) -> None:
    exact = load(folder, device="cpu", dtype="float32")
    assert with_packed_matrices(exact) is exact
    again = with_packed_matrices(model)
    assert again.matrices == PACKED
    assert written(again) == written(model)


def test_a_trace_says_that_matrices_are_packed(folder: Path) -> None:
    opened = open_backend(Request(f"hf:{folder}", "Hi.", {}, device="cpu"))
    assert opened.model.startswith(f"{folder.name} on cpu in bfloat16, as this CPU computes in it")
    assert PACKED in opened.model


def test_where_products_differ_matrices_stay_as_they_are(
    folder: Path, plain: HfModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Off(packed_linear()):
        def forward(self, given: "torch.Tensor") -> "torch.Tensor":
            return super().forward(given) * 1.01

    monkeypatch.setattr(packed, "packed_linear", lambda: Off)
    model = with_packed_matrices(plain_of(folder))
    assert "matrices as they are, as packed ones have other products here" in model.in_words
    assert written(model) == written(plain)


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, TypeError])
def test_where_torch_packs_nothing_matrices_stay_as_they_are(
    folder: Path, plain: HfModel, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def missing() -> None:
        raise error("no such operator")

    monkeypatch.setattr(packed, "packed_linear", missing)
    model = with_packed_matrices(plain_of(folder))
    assert "matrices as they are, as this torch packs none" in model.in_words
    assert written(model) == written(plain)


def test_tokens_for_markers_are_added_before_matrices_are_packed(
    folder: Path, model: HfModel
) -> None:
    with pytest.raises(AdapterError, match="before they are packed"):
        with_marker_tokens(model)
    found = []
    for change in (lambda each: each, with_packed_matrices):
        marked = change(with_marker_tokens(plain_of(folder)))
        session = HfSession(marked, ASK, markers=Spelling.TOKEN)
        found.append(session._kv.scores())
    assert torch.equal(*found)
