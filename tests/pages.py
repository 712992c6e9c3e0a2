"""A table in a page of the docs that a test makes: read and compared, or written anew."""

import os
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def compare(page, name, head, table, variable):
    """Compare the table called *name* in *page* with *table*, or write it where *variable* is set.

    Args:
        page: the file's name in docs/.
        name: what stands in the comments around it: ``<!-- name: begin -->``.
        head: its first two lines.
        table: the cells of each row, by its first.
        variable: of the environment.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    rows = [f"| {' | '.join([first, *found])} |" for first, found in table.items()]
    wanted = f"{begin}\n\n{head}" + "\n".join(rows) + f"\n\n{end}"
    text = (DOCS / page).read_text("utf-8")
    before, _, rest = text.partition(begin)
    said, _, after = rest.partition(end)
    if os.environ.get(variable):
        (DOCS / page).write_text(f"{before}{wanted}{after}", "utf-8")
        return

    assert f"{begin}{said}{end}" == wanted, f"{variable}=1 writes the table anew"
