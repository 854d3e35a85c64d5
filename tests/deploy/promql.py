# SPDX-License-Identifier: GPL-2.0-or-later
"""
Reads PromQL as far as alerts and dashboards use it, and follows labels through it: a metric
that does not exist, a label that a metric does not have, two sides that never match are
errors here.  promtool reads the same expressions, but knows of no metric.
"""

import re
from dataclasses import dataclass, field

TARGET = frozenset(("job", "instance"))         # what Prometheus adds to every series

TOKEN = re.compile(r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?!\w))
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
  | (?P<name>[A-Za-z_][\w:]*)
  | (?P<sign>==|!=|=~|!~|>=|<=|[-+*/%^()<>{}\[\],=@:])
""", re.X)

LEVELS = (("or",), ("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"),
          ("*", "/", "%"))
SETS = ("or", "and", "unless")

COUNTING = {"rate", "irate", "increase"}        # of counters only
KEEPING = COUNTING | {
    "abs", "avg_over_time", "ceil", "changes", "clamp", "clamp_max", "clamp_min",
    "count_over_time", "delta", "deriv", "floor", "last_over_time", "max_over_time",
    "min_over_time", "predict_linear", "resets", "round", "sort", "sort_desc", "sum_over_time"}
AGGREGATING = {"sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "quantile"}
CHOOSING = {"topk", "bottomk"}                  # their labels stay


class Problem(Exception):
    """What is wrong with an expression."""


@dataclass
class Metric:
    """A series' name that exists; <type> is that of /metrics."""
    type: str
    labels: frozenset


@dataclass
class Selector:
    metric: str
    matchers: list = field(default_factory=list)        # (label, operator, value)


@dataclass
class Expression:
    labels: frozenset           # that every result has
    selectors: list


@dataclass
class Value:
    labels: frozenset = None    # None: a number
    counter: bool = False       # a counter as it is, for rate()
    matched: frozenset = frozenset()    # labels that matchers set to one value


def series_of(name, type_, labels):
    """The series of a metric, as {name: Metric}."""
    labels = frozenset(labels) | TARGET
    if type_ != "histogram":
        return {name: Metric(type_, labels)}
    return {f"{name}_bucket": Metric("counter", labels | {"le"}),
            f"{name}_sum": Metric("counter", labels), f"{name}_count": Metric("counter", labels)}


def read(text, metrics):
    """The Expression that <text> is; Problem when it is not good with these <metrics>."""
    reader = _Reader(text, metrics)
    value = reader.expression()
    if reader.kind != "end":
        raise Problem(f"'{reader.word}' is one too many in: {text}")
    return Expression(value.labels or frozenset(), reader.selectors)


class _Reader:
    """One method for each thing of the grammar; each returns a Value."""

    def __init__(self, text, metrics):
        self.text = text
        self.metrics = metrics
        self.selectors = []
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self):
        at = 0
        while at < len(self.text):
            found = TOKEN.match(self.text, at)
            if not found:
                raise Problem(f"not PromQL from here: {self.text[at:at + 40]}")
            at = found.end()
            if found.lastgroup != "space":
                yield found.lastgroup, found[0]
        yield "end", ""

    @property
    def kind(self):
        return self.tokens[self.at][0]

    @property
    def word(self):
        return self.tokens[self.at][1]

    def fail(self, words):
        raise Problem(f"{words} in: {self.text}")

    def need(self, known, labels, what):
        missing = set(labels) - known
        if missing:
            self.fail(f"{what}: no label {', '.join(sorted(missing))}")

    def take(self, *words):
        """The next token if it is one of <words>, else None."""
        if self.kind in ("name", "sign") and self.word in words:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def expect(self, sign):
        if not self.take(sign):
            self.fail(f"'{sign}' expected at '{self.word}'")

    def take_kind(self, kind):
        if self.kind != kind:
            self.fail(f"a {kind} expected at '{self.word}'")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def list_of(self, item, end):
        """Items between commas, up to <end>."""
        items = []
        while not self.take(end):
            items.append(item())
            if not self.take(","):
                self.expect(end)
                break
        return items

    def labels(self):
        self.expect("(")
        return frozenset(self.list_of(lambda: self.take_kind("name"), ")"))

    # ------------------------------------------------------------------- operators

    def expression(self, level=0):
        if level == len(LEVELS):
            return self.unary()
        left = self.expression(level + 1)
        while operator := self.take(*LEVELS[level]):
            self.take("bool")
            how = self.take("on", "ignoring")
            listed = self.labels() if how else frozenset()
            side = self.take("group_left", "group_right")
            more = self.labels() if side and self.word == "(" else frozenset()
            right = self.expression(level + 1)
            left = self.joined(operator, left, right, how, listed, side, more)
        return left

    def joined(self, operator, left, right, how, listed, side, more):
        if left.labels is None or right.labels is None:
            if how or operator in SETS:
                self.fail(f"'{operator}' of a number")
            return Value(right.labels if left.labels is None else left.labels)
        if how == "on":
            self.need(left.labels, listed, f"left of '{operator}'")
            self.need(right.labels, listed, f"right of '{operator}'")
        elif operator != "or" and left.labels - listed != right.labels - listed:
            self.fail(f"'{operator}' never matches: {sorted(left.labels)} and "
                      f"{sorted(right.labels)}")
        if operator == "or":
            return Value(left.labels & right.labels)
        if operator in SETS:
            return Value(left.labels)
        if side:
            many, one = (left, right) if side == "group_left" else (right, left)
            self.need(one.labels, more, side)
            return Value(many.labels | more)
        return Value(listed if how == "on" else left.labels - listed)

    def unary(self):
        if self.take("-", "+"):
            return Value(self.unary().labels)
        base = self.postfix()
        if self.take("^"):
            return self.joined("^", base, self.unary(), None, frozenset(), None, frozenset())
        return base

    def postfix(self):
        value = self.primary()
        while True:
            if self.take("["):
                self.take_kind("duration")
                if self.take(":") and self.kind == "duration":
                    self.at += 1
                self.expect("]")
            elif self.take("offset"):
                self.take("-")
                self.take_kind("duration")
            else:
                return value

    # ------------------------------------------------------------------- what they join

    def primary(self):
        if self.kind in ("number", "string"):
            self.at += 1
            return Value()
        if self.take("("):
            value = self.expression()
            self.expect(")")
            return value
        name = self.take_kind("name")
        if name in AGGREGATING and self.word in ("(", "by", "without"):
            return self.aggregation(name)
        if self.word == "(":
            return self.call(name)
        return self.selector(name)

    def arguments(self):
        self.expect("(")
        return self.list_of(self.expression, ")")

    def vector(self, name, values):
        vectors = [value for value in values if value.labels is not None]
        if len(vectors) != 1:
            self.fail(f"{name}() takes one vector")
        return vectors[0]

    def aggregation(self, name):
        how = self.take("by", "without")
        listed = self.labels() if how else frozenset()
        operand = self.vector(name, self.arguments())
        if not how:
            how = self.take("by", "without")
            listed = self.labels() if how else frozenset()
        self.need(operand.labels, listed, f"{name} {how}")
        if name in CHOOSING:
            return Value(operand.labels)
        return Value(operand.labels - listed if how == "without" else listed)

    def call(self, name):
        values = self.arguments()
        if name == "time":
            return Value()
        if name == "vector":
            return Value(frozenset())
        value = self.vector(name, values)
        if name == "scalar":
            return Value()
        if name == "absent":
            return Value(value.matched)
        if name == "histogram_quantile":
            self.need(value.labels, ("le",), name)
            return Value(value.labels - {"le"})
        if name not in KEEPING:
            self.fail(f"this reader does not know {name}()")
        if name in COUNTING and not value.counter:
            self.fail(f"{name}() of what is no counter")
        return Value(value.labels)

    def matcher(self):
        label = self.take_kind("name")
        operator = self.take("=", "!=", "=~", "!~")
        if not operator:
            self.fail(f"'{self.word}' after label {label}")
        return label, operator, self.take_kind("string")[1:-1]

    def selector(self, name):
        metric = self.metrics.get(name)
        if metric is None:
            self.fail(f"there is no metric {name}")
        matchers = self.list_of(self.matcher, "}") if self.take("{") else []
        self.need(metric.labels, (label for label, _, _ in matchers), name)
        self.selectors.append(Selector(name, matchers))
        return Value(metric.labels, metric.type == "counter",
                     frozenset(label for label, operator, _ in matchers if operator == "="))
