"""The published evaluation beside ours, written as a report."""

from pathlib import Path

from interpreter.schedule.paper.document import write_document
from interpreter.schedule.paper.report import report_blocks
from interpreter.schedule.paper.reproduction import Setup, reproduce
from interpreter.schedule.paper.theorems import check_theorems


def write_reproduction(setup: Setup, output: Path, name: str = "asynclm") -> tuple[Path, Path]:
    """Compute all figures and write the report.

    Args:
        setup: What from.
        output: Folder; made where it is not there.
        name: Name of the files.

    Returns:
        The Markdown file and the HTML file.

    Raises:
        BfclError: The wheel cannot be read or its data has another form.
        MissingExtraError: The extra `plot` is not installed.
        OSError: A file cannot be written.
    """
    blocks = report_blocks(setup, reproduce(setup), check_theorems(setup.seed))
    return write_document(output, name, blocks)
