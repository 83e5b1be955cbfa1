"""A model of the transformers package, loaded from a folder on this machine."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from cml.terminal.uncollected import uncollected
from interpreter.errors import missing_extra
from model_adapters.constraint.constraint import Vocabulary, vocabulary
from model_adapters.embedded.quiet import quiet_transformers
from model_adapters.embedded.smollm2 import (
    EMBEDDED_MODEL,
    EMBEDDED_THREADS,
    embedded_fault,
    embedded_path,
)
from model_adapters.embedded.speaker.spelling import APART, set_names_apart
from model_adapters.embedded.speaker.weights import merge_weights, read_about
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import HfTokenizer, keeps_text
from model_adapters.hf.out_of_memory import telling_out_of_memory
from model_adapters.opening import LOG
from model_adapters.tokens.segment_text import TokenSpelling

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

Dtype: TypeAlias = Literal["bfloat16", "float32"]

_SHARED_BY_TWO: Final = 64
"""From so many tokens on, a second thread is worth its keep where a core is free."""


class Threads(msgspec.Struct, frozen=True):
    """How many threads of a CPU compute, in the whole process.

    Args:
        token: While single tokens are decoded.
        prompt: While many are read at once: a prompt, a long batch of interrupts.
    """

    token: int
    prompt: int

    def compute(self, tokens: int) -> None:
        """Let as many threads compute, in the calling thread too, as so many tokens want."""
        import torch

        torch.set_num_threads(self.prompt if tokens >= _SHARED_BY_TWO else self.token)

    @property
    def in_words(self) -> str:
        """What they are, for the header of a trace."""
        threads = f"{self.token} thread{'s' if self.token > 1 else ''}"
        if self.prompt == self.token:
            return threads
        return f"{threads}, {self.prompt} from {_SHARED_BY_TWO} tokens on"


class HfModel(HfTokenizer, frozen=True):
    """Weights and tokenizer; any number of sessions may share them.

    Args:
        tokenizer: From text to tokens and back.
        name: Name of its folder.
        network: The weights.
        device: Where the weights are.
        end_tokens: Ids of the tokens that end an answer.
        context_tokens: The longest context that it was made for.
        threads: How many threads of a CPU compute; None leaves it to torch.
        dtype_reason: Why it computes in the data type that it does.
        matrices: How they lie in memory, where that was decided (`with_packed_matrices`).
    """

    name: str
    network: "PreTrainedModel"
    device: "torch.device"
    end_tokens: frozenset[int]
    context_tokens: int
    threads: Threads | None = None
    dtype_reason: str = "as the caller chose"
    matrices: str = ""

    @property
    def in_words(self) -> str:
        """What decodes, on what and how, for the header of a trace."""
        dtype = str(self.network.dtype).removeprefix("torch.")
        words = f"{self.name} on {self.device} in {dtype}, {self.dtype_reason}"
        if self.matrices:
            words = f"{words}, {self.matrices}"
        if self.threads is None or self.device.type != "cpu":
            return words
        return f"{words}; {self.threads.in_words}"

    @property
    def vocabulary_size(self) -> int:
        """How many tokens there are: the length of a mask."""
        size: int = self.network.config.get_text_config().vocab_size
        return size

    def begin_spelling(self, before: Sequence[int]) -> TokenSpelling:
        """Return what tells the characters of tokens one by one (`SegmentText`).

        Args:
            before: The tokens before them.
        """
        from tokenizers.decoders import DecodeStream

        tokenizer = self.tokenizer.backend_tokenizer
        # A stream takes U+FFFD at the end for a character that is only begun, and tells it all again.
        is_whole = not tokenizer.decode(list(before), skip_special_tokens=False).endswith("\ufffd")
        stream = DecodeStream(list(before) if is_whole else [], skip_special_tokens=False)
        return lambda token: stream.step(tokenizer, token)

    def vocabulary(self) -> Vocabulary:
        """Return its tokens for a `Constraint`; half a second's work, for any number of them.

        Raises:
            MissingExtraError: llguidance is not installed.
            AdapterError: It cannot read the tokenizer.
        """
        LOG.info("preparing the mask")
        return vocabulary(self.tokenizer, self.vocabulary_size, sorted(self.end_tokens))


def load(
    path: Path | None = None,
    *,
    device: str | None = None,
    dtype: Dtype | None = None,
    threads: int | None = None,
    change: Path | None = None,
) -> HfModel:
    """Load a model folder: configuration, safetensors, tokenizer. No network is used.

    Args:
        path: The folder; None is the embedded default model, which has to be in the cache.
        device: As torch names it; None is CUDA where there is any, else the CPU.
        dtype: In float32 an appended text gives the same logits as one pass over the whole
            context; bfloat16 needs half the memory. None is bfloat16 where the hardware computes
            in it, else float32: there, bfloat16 is emulated, and reading a prompt takes six times as
            long (docs/benchmarks.md).
        threads: How many threads of a CPU compute, in this whole process; None is torch's own
            choice, and for the default model one for single tokens and two, where there are two
            cores, for prompts.
        change: A change of weights that is put on them (`model_adapters.embedded.speaker`): with it the
            model speaks CML.

    Raises:
        MissingExtraError: The extra `hf` is not installed.
        AdapterError: The folder holds no model that can be loaded, there is no such device, or no memory.
    """
    folder = path or embedded_path()
    if path is None and (fault := embedded_fault()):
        raise AdapterError(
            f"the default model {EMBEDDED_MODEL} cannot be taken from the cache ({folder}): {fault}; "
            "fetch it first, or name the folder of another model"
        )
    if not (folder / "config.json").is_file():
        raise AdapterError(
            f"{folder}: not a model folder; expected config.json, *.safetensors and tokenizer.json"
        )
    LOG.info("loading torch and transformers")
    # A fifth of the time of these imports went into looking for garbage.
    with uncollected(), quiet_transformers():
        model = _load(folder, device, dtype, _chosen_threads(threads, is_embedded=path is None))
    about = merge_weights(model.network, change) if change else read_about(folder)
    return model if about is None else _spoken(model, about)


def _spoken(model: HfModel, about: Mapping[str, str]) -> HfModel:
    """Return a model that was trained on CML, under its name and with the tokens that it learnt."""
    if about.get("names") == APART:
        set_names_apart(model.tokenizer)
    return replace(model, name=about.get("name", model.name))


def _chosen_threads(threads: int | None, *, is_embedded: bool) -> Threads | None:
    if threads:
        return Threads(threads, threads)
    return Threads(EMBEDDED_THREADS, min(2, os.cpu_count() or 1)) if is_embedded else None


def _load(
    folder: Path, device: str | None, dtype: Dtype | None, threads: Threads | None
) -> HfModel:
    # Decoding shares the machine with the functions that it calls. Threads of torch that spin while
    # they wait for each other cost a busy machine a factor of ten; set before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, TokenizersBackend
    except ImportError as error:
        raise missing_extra("hf", error) from error
    if threads:
        threads.compute(1)
    with _telling(folder):
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        chosen, why = (dtype, "as the caller chose") if dtype else _fitting_dtype(place)
        LOG.info("loading the tokenizer of %s", folder.name)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        LOG.info("loading the weights of %s", folder.name)
        network = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype=getattr(torch, chosen)
        )
        torch.nn.Module.to(network, place)
    if not isinstance(tokenizer, TokenizersBackend) or not keeps_text(tokenizer):
        raise AdapterError(
            f"{folder}: its tokenizer changes text that is appended in parts; "
            "use a model with a byte-level tokenizer (tokenizer.json)"
        )
    ends = network.generation_config.eos_token_id
    end_tokens = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
    longest = getattr(network.config.get_text_config(), "max_position_embeddings", 2**31)
    ends_at = frozenset(end_tokens)
    return HfModel(tokenizer, folder.name, network, place, ends_at, longest, threads, why)


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Tell in one line whatever a folder of somebody else's has the libraries raise.

    Raises:
        AdapterError: The model cannot be loaded, or there is no memory for it.
    """
    try:
        with telling_out_of_memory("loading the model", "take a smaller one, or another --device"):
            yield
    except AdapterError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines() or [repr(error)]
        raise AdapterError(f"{folder}: the model cannot be loaded: {reason[0]}") from error


def _fitting_dtype(place: "torch.device") -> tuple[Dtype, str]:
    """Return the data type that a device computes in, and why: not every CPU knows bfloat16."""
    import torch

    if place.type != "cpu":
        return "bfloat16", f"as {place.type} computes in it"
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():  # noqa: SLF001  it has no public name
        return "bfloat16", "as this CPU computes in it"
    return "float32", "as this CPU does not compute in bfloat16"
