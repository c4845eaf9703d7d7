"""Rows of a comparison: what each side reached in each round, their ratio, and the table of all rows."""

import json
import statistics


class Row:
    """`own` and `peer_values` are rates, one a round, taken in turn; `shares` what Plumb reached of its bound."""

    def __init__(self, name, unit, own, peer=None, peer_values=None, shares=None, note=""):
        self.name, self.unit, self.peer, self.note = name, unit, peer, note
        self.own, self.peer_values, self.shares = own, peer_values or [], shares or []
        self.ratios = [mine / theirs for mine, theirs in zip(self.own, self.peer_values, strict=True)] if peer else []

    def cells(self):
        ratio = share = theirs = ""
        if self.ratios:
            theirs = f"{self.peer}: {number(self.peer_values)}"
            ratio = f"{statistics.median(self.ratios):.2f} ({min(self.ratios):.2f}-{max(self.ratios):.2f})"
        if self.shares:
            share = f"{100 * statistics.median(self.shares):.0f} %"
        return [self.name, self.unit, number(self.own), theirs, ratio, share, str(len(self.own)), self.note]

    def json(self):
        return json.dumps(vars(self))


def number(values):
    value = statistics.median(values)
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def table(rows):
    """The rows as Markdown."""
    head = ["what", "unit", "Plumb", "peer", "ratio, median (range)", "share of bound", "n", "settings"]
    lines = [head, ["---"] * len(head)] + [row.cells() for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
