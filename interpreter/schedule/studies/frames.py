"""Tables of pandas and polars: extras, each imported when it is asked for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from interpreter.errors import missing_extra

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

FrameLines: TypeAlias = Sequence[Mapping[str, object]]
"""What stands on each line of a table, by column."""


def pandas_frame(lines: FrameLines) -> "pd.DataFrame":
    """Return lines as a table of pandas.

    Raises:
        MissingExtraError: pandas is not installed (extra `pandas`).
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise missing_extra("pandas", error) from error
    return pd.DataFrame(lines)


def polars_frame(lines: FrameLines) -> "pl.DataFrame":
    """Return lines as a table of polars.

    Raises:
        MissingExtraError: polars is not installed (extra `polars`).
    """
    try:
        import polars as pl
    except ImportError as error:
        raise missing_extra("polars", error) from error
    return pl.DataFrame(lines)
