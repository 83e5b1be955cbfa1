"""A byte-level tokenizer, trained on little, with two control tokens."""

from pathlib import Path

from extras import from_extra


def write_small_tokenizer(folder: Path) -> Path:
    """Write its tokenizer.json into a folder, and return the folder."""
    tokenizers = from_extra("hf", "tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|end|>", "[INTR]"],
        show_progress=False,
    )
    made.train_from_iterator(["THE WEEKEND WEEKEND"] * 9 + ['f("a")[1]\n\n'] * 9, trainer)
    made.save(str(folder / "tokenizer.json"))
    return folder
