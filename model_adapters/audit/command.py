"""`cml audit`: what the markers of CML cost in a tokenizer, and what could go wrong with them."""

import click
import msgspec
from rich.table import Table

from cml.terminal.options import json_option, yes_option
from cml.terminal.output import print_json, print_text
from cml.terminal.styled import console, print_table
from interpreter.errors import MissingExtraError
from model_adapters.audit.advice import advice
from model_adapters.audit.findings import TokenizerAudit, TokenSet, audit
from model_adapters.audit.vocabularies import EMBEDDED, open_tokenizer
from model_adapters.errors import AdapterError

_SHOWN = 6


@click.command("audit")
@click.argument("tokenizer", metavar="TOKENIZER", default=EMBEDDED)
@yes_option
@json_option
def audit_command(tokenizer: str, *, yes: bool, as_json: bool) -> None:
    """Say what the markers cost in TOKENIZER, and what could go wrong with them.

    TOKENIZER is a GGUF file, a tokenizer.json or a folder that holds one; without it the embedded
    model is audited.

    Exit status: 0 content is safe and stays as it is, 1 it is not, or cannot be told, 2 usage.
    """
    try:
        found = audit(open_tokenizer(tokenizer, yes=yes))
    except (AdapterError, MissingExtraError) as error:
        raise click.ClickException(str(error)) from None
    sentences = tuple(advice(found))
    is_usable = found.keeps_text and not found.unsafe_content
    if as_json:
        document: dict[str, object] = msgspec.structs.asdict(found)
        print_json({**document, "usable": is_usable, "advice": sentences})
    else:
        _show(found, sentences)
    if not is_usable:
        raise click.exceptions.Exit(1)


def _show(found: TokenizerAudit, sentences: tuple[str, ...]) -> None:
    print_text(f"{found.name}: {found.tokens:,} tokens, {found.control_tokens} of them control")
    table = Table("tokens of", "text profile", "token profile", box=None)
    for cost in found.costs:
        table.add_row(cost.block, f"{cost.text_tokens}", f"{cost.token_tokens}")
    print_table(console(), table)
    for what, tokens in (
        ("tokens that a marker begins or ends inside", found.fused),
        ("words that end as a marker does", found.words),
        ("control tokens that text becomes if nobody prevents it", found.naive_control),
        ("a mask that sees the text forbids, where they complete [INTR]", found.mask.completing),
        ("a fixed ban of what only [INTR] is encoded to", found.mask.banned),
        ("a fixed ban that holds, the smallest over one character", found.mask.needed),
    ):
        print_text(f"{what}: {_listed(tokens)}")
    for sentence in sentences:
        print_text(f"* {sentence}")


def _listed(tokens: TokenSet) -> str:
    shown = ", ".join(repr(example) for example in tokens.examples[:_SHOWN])
    more = ", …" if tokens.count > _SHOWN else ""
    return f"{tokens.count:,}" + (f" ({shown}{more})" if shown else "")
