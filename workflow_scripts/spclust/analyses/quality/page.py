"""A page of sortable tables that needs nothing but itself."""

import html

import numpy as np

TITLES = {
    "suggestions": "Suggestions",
    "images": "Images",
    "markers": "Markers",
    "pairs": "Markers that no cell has both of",
    "corrections": "Differences between batches",
}
NOTHING = {
    "suggestions": "None: nothing is clearly wrong.",
    "pairs": "No such pair was measured and seen apart.",
    "corrections": "One batch only.",
}
_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#222;margin:1.5em;max-width:100em}
table{border-collapse:collapse;margin:.5em 0 2em}td,th{padding:.25em .7em;text-align:left}
th{border-bottom:1px solid #222;cursor:pointer;vertical-align:bottom;position:sticky;top:0;
background:#fff}td{border-bottom:1px solid #ddd}td.n{text-align:right;
font-variant-numeric:tabular-nums}tr.odd td{background:#fdf0d5}code{white-space:pre-wrap}
th[aria-sort=ascending]::after{content:" ▲"}th[aria-sort=descending]::after{content:" ▼"}
.wide{overflow-x:auto}
"""
_SCRIPT = """
for(const head of document.querySelectorAll("th"))head.onclick=()=>{
const table=head.closest("table"),up=head.ariaSort!="ascending",i=head.cellIndex;
for(const other of table.querySelectorAll("th"))other.ariaSort=null;
head.ariaSort=up?"ascending":"descending";
const value=row=>row.cells[i].dataset.v??row.cells[i].textContent,body=table.tBodies[0];
const compare=(a,b)=>{a=value(a);b=value(b);if(a===""||b==="")return (a==="")-(b==="");
const order=isNaN(a)||isNaN(b)?a.localeCompare(b):a-b;return up?order:-order};
body.append(...[...body.rows].sort(compare))};
"""


def page(dataset, tables):
    """HTML of tables whose heads sort them.

    Parameters
    ----------
    dataset : str
    tables : dict of str to DataFrame
        Keys of ``TITLES``.

    Returns
    -------
    str
    """
    parts = [f"<h1>Quality of {html.escape(dataset)}</h1>"]
    parts.append("<p>Click on a head to sort. Coloured rows are those to look at.</p>")
    for name, title in TITLES.items():
        parts.append(f"<h2>{title}</h2>")
        table = tables[name]
        parts.append(_table(table) if len(table) else f"<p>{NOTHING.get(name, 'None.')}</p>")
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Quality of {html.escape(dataset)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}<script>{_SCRIPT}</script></body></html>\n"
    )


def _table(table):
    heads = "".join(f"<th>{html.escape(str(c).replace('_', ' '))}</th>" for c in table.columns)
    flag = next((c for c in ("outlier", "no_signal") if c in table), None)
    rows = []
    for row in table.to_dict("records"):
        odd = ' class="odd"' if flag and row[flag] else ""
        cells = "".join(_cell(value, column == "line") for column, value in row.items())
        rows.append(f"<tr{odd}>{cells}</tr>")
    body = "".join(rows)
    whole = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{whole}</div>'


def _cell(value, code=False):
    if isinstance(value, bool | np.bool_):
        return f"<td>{'yes' if value else ''}</td>"
    if isinstance(value, int | np.integer):
        return f'<td class="n" data-v="{value}">{value:,}</td>'
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return '<td class="n" data-v=""></td>'
        shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        return f'<td class="n" data-v="{value:.6g}">{shown}</td>'
    text = html.escape("" if value is None else str(value))
    return f"<td><code>{text}</code></td>" if code and text else f"<td>{text}</td>"
