"""A quick reader of YAML for whole folders of case files: it reads what is plainly written, or declines.

It builds values straight from libyaml's events, without nodes and places, and reads plain scalars by the rules of
`rulebase.document`. What is unusual (anchors, tags, a key twice, a bad date) is left to that reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from imgrules.rulebase.document import Document, _Loader, _scalar

_PLAIN_KEPT = 20_000
_MAX_DEPTH = 50
_plain: dict[str, Any] = {}


class NotPlain(Exception):
    """The text is not plain enough, or not YAML at all."""


def read_plain(text: str) -> Any:
    """The data of a YAML or JSON text, the same as `read_document` gives; `NotPlain` if that one must look."""
    try:
        events = yaml.parse(text, Loader=_Loader)
        next(events)  # the stream starts
        if not isinstance(next(events), yaml.DocumentStartEvent):
            raise NotPlain
        data = _value(next(events), events, 0)
        next(events)  # the document ends
        if not isinstance(next(events), yaml.StreamEndEvent):
            raise NotPlain
    except (yaml.YAMLError, StopIteration):
        raise NotPlain from None
    return data


def _value(event: Any, events: Iterator[Any], depth: int) -> Any:
    kind = type(event)
    if kind is yaml.AliasEvent or event.anchor is not None or event.tag is not None or depth > _MAX_DEPTH:
        raise NotPlain
    if kind is yaml.ScalarEvent:
        return _read_scalar(event)
    if kind is yaml.SequenceStartEvent:
        members = []
        while type(event := next(events)) is not yaml.SequenceEndEvent:
            members.append(_value(event, events, depth + 1))
        return members
    found: dict[str, Any] = {}
    while type(event := next(events)) is not yaml.MappingEndEvent:
        if type(event) is not yaml.ScalarEvent or event.anchor is not None or event.tag is not None:
            raise NotPlain
        if event.value in found:
            raise NotPlain
        found[event.value] = _value(next(events), events, depth + 1)
    return found


def _read_scalar(event: Any) -> Any:
    if event.style in ('"', "'", "|", ">"):
        return event.value
    if event.value not in _plain:
        document = Document("")
        value = _scalar(event, (), document, "")
        if document.problems:
            raise NotPlain
        if len(_plain) >= _PLAIN_KEPT:
            _plain.clear()
        _plain[event.value] = value
    return _plain[event.value]
