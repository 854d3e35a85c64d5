# SPDX-License-Identifier: GPL-2.0-or-later
"""Which answers of two plays of one script are not the same, and how a person sees it."""

from dataclasses import dataclass, field

PACKETS_SHOWN = 4


@dataclass
class Difference:
    """A case whose answers differ: how, for each way of playing it that shows it."""
    case: object
    shown: dict = field(default_factory=dict)

    def __str__(self):
        return (f"line {self.case.line} (#{self.case.nth} of its text): {self.case.text[:300]}\n"
                f"    [{'; '.join(self.shown)}]\n{next(iter(self.shown.values()))}")


class Differences:
    """Of one script, gathered over its variants."""

    def __init__(self):
        self.by_line = {}

    def add(self, variant, expected, actual):
        """Two lists of answers to the same cases."""
        for one, other in zip(expected, actual, strict=True):
            if one.packets != other.packets:
                difference = self.by_line.setdefault(one.case.line, Difference(one.case))
                difference.shown[variant] = _shown(one.packets, other.packets)

    def __iter__(self):
        return (self.by_line[line] for line in sorted(self.by_line))

    def forgive(self, known):
        """Take out what an entry of KNOWN is about; true when there was something."""
        found = False
        for line, difference in list(self.by_line.items()):
            if (difference.case.text, difference.case.nth) != (known.text, known.nth):
                continue
            for variant in [name for name in difference.shown if known.where in name]:
                del difference.shown[variant]
                found = True
            if not difference.shown:
                del self.by_line[line]
        return found


def _shown(expected, actual):
    """The packets that are not the same: - of the server, + through readmux."""
    lines = []
    for index in range(max(len(expected), len(actual))):
        pair = [packets[index:index + 1] for packets in (expected, actual)]
        if pair[0] != pair[1]:
            lines += [f"      {sign} {packet.describe()}"
                      for sign, packets in zip("-+", pair) for packet in packets]
        if len(lines) >= 2 * PACKETS_SHOWN:
            return "\n".join(lines + ["        ..."])
    return "\n".join(lines)
