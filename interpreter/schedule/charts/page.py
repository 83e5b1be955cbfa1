"""A page that needs nothing but a browser: on a phone, on paper, in the dark, without a network."""

from collections.abc import Sequence
from typing import Final

from cml.terminal.foreign import html_text

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#2b2f36;--pale:#e6e8ec;--paper:#fff;--soft:#f5f6f8}
@media (prefers-color-scheme:dark){:root{--ink:#dfe3ea;--pale:#3a4049;--paper:#16191e;--soft:#22262d}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
 max-width:1120px;margin:0 auto;padding:1rem;overflow-wrap:break-word}
figure{margin:1.5rem 0;break-inside:avoid}
figcaption{font-weight:600;font-size:1.1rem}
h1,h2,h3{line-height:1.25}
h4{margin:1rem 0 .2rem;font-size:.95rem}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:.4rem 0;padding:0;list-style:none;font-size:.85rem}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
.row{display:grid;grid-template-columns:minmax(5rem,18%) 1fr;gap:.6rem;font-size:.85rem}
.row>div{min-width:0;text-align:right;line-height:1.25}
.name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;height:20px;line-height:20px}
blockquote{margin:.8rem 0;padding-left:.8rem;border-left:3px solid var(--pale);white-space:pre-line}
.across{text-align:center;font-size:.85rem}
svg{display:block;width:100%;overflow:visible}
svg text{fill:var(--ink);font-size:12px}
.grid{stroke:var(--pale)}
.end{stroke:var(--ink);stroke-dasharray:3 2}
.track rect{stroke:var(--paper);stroke-width:.5}
.line{fill:none;stroke-width:2.5;vector-effect:non-scaling-stroke}
output{display:block;white-space:pre-line;font-size:.85rem}
output:not(:empty){position:sticky;bottom:0;padding:.5rem;background:var(--soft);border:1px solid var(--pale)}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin:.5rem 0;font-size:.9rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--pale);text-align:left;vertical-align:top}
th{background:var(--soft)}
summary{cursor:pointer;font-size:.85rem}
@media print{:root{--ink:#000;--pale:#ccc;--paper:#fff}*{print-color-adjust:exact}details,output{display:none}}
"""
# Pointing at a mark, or at a name that is cut off, shows its title; a finger cannot point, so a tap
# writes it below the chart. Who uses keys or a screen reader has the same in the tables.
_SCRIPT: Final = """
document.addEventListener("click",event=>{const mark=event.target.closest(".mark,.name");
const figure=event.target.closest("figure");if(!figure)return;
figure.querySelector("output").textContent=mark?(mark.title||mark.textContent):"";});
"""


def page(title: str, body: str, style: str = "") -> str:
    """Return a page of its own: style and script are in it, and nothing is fetched.

    Args:
        title: Title of the page, as text.
        body: What it shows, as HTML.
        style: Rules that its charts need besides.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html_text(title)}</title><style>{_STYLE}{style}</style></head>\n"
        f"<body>\n{body}\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table that scrolls by itself where the page is narrow.

    Args:
        header: Names of the columns, as text; none for a table without a header.
        rows: Cells, as text.
    """
    head = "".join(f"<th>{html_text(cell)}</th>" for cell in header)
    lines = ("".join(f"<td>{html_text(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in ([head] if header else []) + [*lines])
    return f'<div class="wide"><table>{body}</table></div>'
