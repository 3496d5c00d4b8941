"""A file → `Profile`, and the profiles that come with the package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

import yaml

from loadgen.errors import LoadRefused
from loadgen.profiles.model import FLAG_FRACTIONS, Profile
from loadgen.rate_curve import RateCurve, RatePoint
from pipeline.shared.checked_yaml import scalars
from pipeline.shared.checked_yaml.errors import DocumentError, Invalid
from pipeline.shared.checked_yaml.mappings import Key, Located, Problems, read_mapping, read_sequence
from pipeline.shared.checked_yaml.yaml_file import Form, read_tree

API_VERSION = "adctr/v1"
MOST_CAMPAIGNS = 1_000_000
MOST_ADS = 1_000
MOST_TIMES = 1_000.0


class ProfileError(DocumentError):
    """A file is no profile."""


FORM = Form(
    a_file="a profile",
    things="profiles",
    levels="four",
    first_line=f"apiVersion: {API_VERSION}",
    page="docs/load.md",
    error=ProfileError,
)


def bundled_names() -> tuple[str, ...]:
    """The profiles that come with the package, by name."""
    files = resources.files("loadgen.profiles").iterdir()
    return tuple(sorted(each.name.removesuffix(".yaml") for each in files if each.name.endswith(".yaml")))


def find_profile(name_or_file: str) -> Profile:
    """A bundled profile by its name, or one of a file. Raises LoadRefused naming those that exist, or ProfileError."""
    if "/" in name_or_file or name_or_file.endswith((".yaml", ".yml")):
        return load_profile(Path(name_or_file))
    names = bundled_names()
    if name_or_file not in names:
        raise LoadRefused(
            f"profile={name_or_file!r}: {scalars.nearest(name_or_file, names)}known are {', '.join(names)}; "
            "a file has a / or ends with .yaml"
        )
    with resources.as_file(resources.files("loadgen.profiles") / f"{name_or_file}.yaml") as path:
        return load_profile(path)


def load_profile(path: Path) -> Profile:
    """Reads a file. Raises ProfileError with everything that is wrong with it."""
    problems = Problems()
    top = read_mapping(read_tree(path, FORM), "", _TOP, problems)
    _check_fractions(top, problems)
    _check_hot_share(top, problems)
    curve = _curve(top.values["rate"], problems) if "rate" in top.values else None
    if problems.found:
        raise ProfileError(str(path), problems.found)
    values = {field: value for field, value in top.values.items() if field not in ("api_version", "rate")}
    return Profile(**values, curve=curve)


def _check_fractions(top: Located, problems: Problems) -> None:
    given = {name: key for key, name in _FLAG_KEYS.items() if name in top.values}
    total = sum(top.values[name] for name in given)
    if total > 1:
        last = list(given.values())[-1]
        text = f"{' + '.join(given.values())} = {total:g}: an event has one flag at most; write fractions of 1 in all"
        problems.add(top.nodes[last], last, text)


def _check_hot_share(top: Located, problems: Problems) -> None:
    if "hot_share" in top.values and top.values.get("campaigns") == 1:
        text = "is the share of one campaign among others, and campaigns is 1; remove one of the two"
        problems.add(top.nodes["hotShare"], "hotShare", text)


def _curve(rate: Located, problems: Problems) -> RateCurve | None:
    if "points" not in rate.nodes:
        return None
    wanted = "points like {at: 0s, times: 1}, the first at 0s"
    items = read_sequence(rate.nodes["points"], "rate.points", wanted, problems)
    located = [read_mapping(item, f"rate.points[{index}]", _POINT, problems) for index, item in enumerate(items)]
    if not located or any(len(each.values) < len(_POINT) for each in located):
        return None
    points = tuple(RatePoint(**each.values) for each in located)
    repeat = rate.values.get("repeat_seconds")
    before = len(problems.found)
    _check_times(located, points, problems)
    _check_end(rate, points, repeat, problems)
    return None if len(problems.found) > before else RateCurve(points, repeat)


def _check_times(located: list[Located], points: tuple[RatePoint, ...], problems: Problems) -> None:
    if points[0].at_seconds != 0:
        node = located[0].nodes["at"]
        text = f"{scalars.shown(node)} leaves the start without a rate; write 0s"
        problems.add(node, f"{located[0].path}.at", text)
    for index in range(1, len(points)):
        node, place = located[index].nodes["at"], f"{located[index].path}.at"
        before = [point.at_seconds for point in points[max(0, index - 2) : index]]
        if points[index].at_seconds < before[-1]:
            text = f"{scalars.shown(node)} is before the point above; write the points in the order of time"
            problems.add(node, place, text)
        elif before == [points[index].at_seconds] * 2:
            text = f"{scalars.shown(node)} is the third point of one moment; a jump has two, remove one"
            problems.add(node, place, text)


def _check_end(rate: Located, points: tuple[RatePoint, ...], repeat: float | None, problems: Problems) -> None:
    node, last = rate.nodes["points"], points[-1]
    if repeat is None and "repeatEvery" not in rate.nodes and last.times == 0:
        text = "end at 0 forever; end with a rate above 0, or add repeatEvery"
        problems.add(node, "rate.points", text)
    if repeat is not None and repeat < last.at_seconds:
        at = rate.nodes["repeatEvery"]
        text = f"{scalars.shown(at)} cuts off the last point at {last.at_seconds:g}s; write that or more"
        problems.add(at, "rate.repeatEvery", text)
    if all(point.times == 0 for point in points):
        problems.add(node, "rate.points", "are all 0, so nothing is ever sent; write a rate above 0")


def _api_version(node: yaml.Node) -> str:
    if scalars.scalar(node, API_VERSION) != API_VERSION:
        raise Invalid(f"{scalars.shown(node)} is another format; write {API_VERSION}")
    return API_VERSION


def _at_most(highest: int) -> Callable[[yaml.Node], int]:
    def read(node: yaml.Node) -> int:
        value = scalars.count(node)
        if value > highest:
            raise Invalid(f"{scalars.shown(node)} is too many; write at most {highest}")
        return value

    return read


def _fraction(node: yaml.Node) -> float:
    value = scalars.number(node, "a fraction from 0 to 1, for example 0.05")
    if 1 < value <= 100:
        raise Invalid(f"{scalars.shown(node)} is not a fraction; write {value / 100:.12g} (from 0 to 1)")
    if value > 1:
        raise Invalid(f"{scalars.shown(node)} is not a fraction; write a number from 0 to 1, for example 0.05")
    return value


def _part(node: yaml.Node) -> float:
    value = _fraction(node)
    if not 0 < value < 1:
        raise Invalid(f"{scalars.shown(node)} is nothing or everything; write a number between 0 and 1")
    return value


def _duplicate_fraction(node: yaml.Node) -> float:
    value = _fraction(node)
    if value == 1:
        raise Invalid(f"{scalars.shown(node)} leaves nothing to repeat; write less than 1")
    return value


def _exponent(node: yaml.Node) -> float:
    value = scalars.number(node, "a number from 0 (all campaigns alike) to 10")
    if value > 10:
        raise Invalid(f"{scalars.shown(node)} leaves one campaign only; write a number from 0 to 10")
    return value


def _times(node: yaml.Node) -> float:
    value = scalars.number(node, "a multiple of the rate, for example 1.5")
    if value > MOST_TIMES:
        raise Invalid(f"{scalars.shown(node)} is too much; write at most {MOST_TIMES:g}")
    return value


def _moment(node: yaml.Node) -> float:
    """Seconds of a duration, 0 included."""
    if re.fullmatch(r"0+(?:ms|[smhd])", scalars.scalar(node, "a moment, for example 0s or 30s"), re.ASCII):
        return 0.0
    return scalars.duration(node)


_POINT: Mapping[str, Key] = {
    "at": Key("at_seconds", _moment, instead="0s (a moment since the start)"),
    "times": Key("times", _times, instead="1 (times the rate of the command)"),
}

_RATE: Mapping[str, Key] = {
    "repeatEvery": Key("repeat_seconds", scalars.duration, required=False),
    "points": Key("points", lambda node: node, instead="and a list of {at: 0s, times: 1}"),
}

_TOP: Mapping[str, Key] = {
    "apiVersion": Key("api_version", _api_version, instead=API_VERSION),
    "name": Key("name", scalars.name, instead="a name for ledgers and reports, for example evening_rush"),
    "description": Key("description", scalars.text, instead="what the load is like, in a few words"),
    "campaigns": Key("campaigns", _at_most(MOST_CAMPAIGNS), required=False),
    "zipfExponent": Key("zipf_exponent", _exponent, required=False),
    "hotShare": Key("hot_share", _part, required=False),
    "adsPerCampaign": Key("ads_per_campaign", _at_most(MOST_ADS), required=False),
    "clickFraction": Key("click_fraction", _fraction, required=False),
    "lateFraction": Key("late_fraction", _fraction, required=False),
    "outOfOrderFraction": Key("out_of_order_fraction", _fraction, required=False),
    "invalidFraction": Key("invalid_fraction", _fraction, required=False),
    "duplicateFraction": Key("duplicate_fraction", _duplicate_fraction, required=False),
    "rate": Key("rate", nested=_RATE, required=False),
}
_FLAG_KEYS = {key: entry.field for key, entry in _TOP.items() if entry.field in FLAG_FRACTIONS}
