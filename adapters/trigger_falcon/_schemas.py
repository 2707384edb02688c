"""JSON Schema of what goes over the wire, from the attrs classes that it is made of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from trigger_core import answers, catalog, sending
from trigger_core.facts import CHANNELS

Schema = dict[str, Any]

PLAIN: Final[Mapping[object, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number", "minimum": 0},
    Decimal: {"type": "number", "minimum": 0},
    datetime: {"type": "string", "format": "date-time"},
}
"""Counts, amounts and durations are never negative."""

FORMATS: Final[Mapping[type[Any], Mapping[str, str]]] = {
    answers.Trigger: {"id": "uuid", "details_endpoint": "uri-reference"},
    answers.Execution: {"id": "uuid"},
    answers.DirectDetails: {"trigger_id": "uuid", "execution_details_endpoint": "uri-reference"},
    answers.WorkflowDetails: {"trigger_id": "uuid"},
    answers.Step: {"execution_details_endpoint": "uri-reference"},
    answers.ChannelDetails: {"execution_details_endpoint": "uri-reference"},
}
"""What a text is, where its Python type doesn't say. A workflow's own ids are any text."""

_CHANNEL: Final = {"enum": list(CHANNELS)}
_VALUES: Final = {"additionalProperties": {"type": ["string", "number", "boolean"]}}
_REQUEST: Final[Mapping[str, Schema]] = {
    "recipient_type": {"enum": [*sending._RECIPIENTS, None]},
    "contact_external_ids": {"minItems": 1},
    "variables": _VALUES,
}
_COUNTRY: Final = {"pattern": "^[A-Z]{2}$"}

NARROWED: Final[Mapping[type[Any], Mapping[str, Schema]]] = {
    catalog.Contact: {
        "country": _COUNTRY,
        "opted_out": {"items": {"type": "string"} | _CHANNEL},
        "attributes": _VALUES,
    },
    catalog.Template: {"channel": _CHANNEL, "currency": {"pattern": "^[A-Z]{3}$"}},
    catalog.TemplateVariant: {"country": _COUNTRY, "price_per": {"enum": ["message", "segment"]}},
    catalog.TemplateGroup: {"templates": {"propertyNames": _CHANNEL, "minProperties": 1}},
    catalog.WorkflowStep: {"channel": _CHANNEL},
    sending.Send: _REQUEST,
    sending.WorkflowRun: _REQUEST,
}
"""What a member of the catalog or a request is, where it is checked more closely than its Python type says."""

NAMES: Final[Mapping[type[Any], str]] = {catalog.Workflow: "CatalogWorkflow"}
"""The components of classes whose own name another class has."""


class Schemas:
    """Makes schemas, and keeps those of classes as components to refer to.

    A field's metadata may have a ``schema``, for what its Python type doesn't say: all of it if that has a ``type``.

    A member with a default is left out of JSON where it has that value, so it is optional and never null; but those
    of the catalog are always there.

    Attributes:
        components: the schemas of classes by name.
    """

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def _name(self, cls: type[Any]) -> str:
        return NAMES.get(cls, cls.__name__)

    def _members(self, cls: type[Any]) -> Sequence[Any]:
        return tuple(attrs.fields(cls))

    def _member(self, cls: type[Any], member: Any, kind: Any) -> tuple[Any, bool]:
        """The type of a member in JSON, and whether it may be absent."""
        optional = member.default is not attrs.NOTHING and cls.__module__ != catalog.__name__
        if optional and NoneType in get_args(kind):
            kind = reduce(or_, (each for each in get_args(kind) if each is not NoneType))
        return kind, optional

    def of(self, kind: Any, channel: str | None = None) -> Schema:
        """The schema of a type; ``channel`` is the only one of the jobs in it."""
        if kind in PLAIN:
            return dict(PLAIN[kind])
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        if origin in (Union, UnionType):
            return self._union(arguments, channel)
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0], channel)}
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return self._keyed(*arguments)
        return self._class(kind, channel)

    def _union(self, kinds: Sequence[Any], channel: str | None) -> Schema:
        schemas = [self.of(kind, channel) for kind in kinds if kind is not NoneType]
        nullable = NoneType in kinds
        if nullable and len(schemas) == 1 and "type" in schemas[0]:
            [schema] = schemas
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema:
                schema["enum"].append(None)
            return schema
        return {"oneOf": [*schemas, *([{"type": "null"}] if nullable else [])]}

    def _keyed(self, key: Any, value: Any) -> Schema:
        names = get_args(key)
        if not names:
            return {"type": "object", "additionalProperties": self.of(value)}
        return {
            "type": "object",
            "properties": {name: self.of(value, name) for name in names},
            "additionalProperties": False,
        }

    def _class(self, cls: type[Any], channel: str | None) -> Schema:
        by_channel = cls in (answers.Job, answers.JobPage)
        if by_channel and channel is None:
            return {"oneOf": [self._class(cls, each) for each in get_args(answers.Channel)]}
        name = f"{(channel or '').title()}{cls.__name__}" if by_channel else self._name(cls)
        if name not in self.components:
            self.components[name] = {}  # a class that holds itself finds this
            self.components[name] |= self._object(cls, channel if by_channel else None)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, cls: type[Any], channel: str | None) -> Schema:
        hints = get_type_hints(cls)
        properties: dict[str, Schema] = {}
        required = []
        meanings: dict[str, str] = {}
        for documented in reversed(cls.__mro__):  # what it inherits is told of where it is from
            meanings |= arguments(documented, "Attributes")
        for member in self._members(cls):
            name = member.name
            kind, optional = self._member(cls, member, hints[name])
            told = member.metadata.get("schema", {})
            schema = dict(told) if "type" in told else self.of(kind, channel) | told
            schema |= NARROWED.get(cls, {}).get(name, {})
            if text_format := FORMATS.get(cls, {}).get(name):
                schema["format"] = text_format
            if cls is answers.Job and channel is not None:
                name, schema = _of_job(name, schema, channel)
            if meaning := re.sub(r"\bNone\b", "`null`", meanings.get(member.name, "")):
                schema["description"] = meaning[:1].upper() + meaning[1:]
            properties[name] = schema
            if not optional:
                required.append(name)
        described = {"description": prose(cls)} if cls.__doc__ else {}
        return described | {"type": "object", "properties": properties, "required": required}


class BodySchemas(Schemas):
    """Makes the schemas of what is sent; each is a component of its own, since a request may leave out more.

    Args:
        components: where to keep them.
        in_path: the members that the path gives, so that the body needn't.
        implied: the members that the path says, so that the body mustn't.
    """

    def __init__(
        self, components: dict[str, Schema], in_path: Sequence[str], implied: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.components = components
        self._in_path = in_path
        self._implied = implied

    def _name(self, cls: type[Any]) -> str:
        return f"{super()._name(cls)}Body"

    def _members(self, cls: type[Any]) -> Sequence[Any]:
        return [member for member in attrs.fields(cls) if member.name not in self._implied]

    def _member(self, cls: type[Any], member: Any, kind: Any) -> tuple[Any, bool]:
        return kind, member.default is not attrs.NOTHING or member.name in self._in_path

    def _object(self, cls: type[Any], channel: str | None) -> Schema:
        schema = super()._object(cls, channel)
        for member in self._members(cls):
            if member.metadata.get("read_only"):
                schema["properties"][member.name]["readOnly"] = True
        return schema | {"additionalProperties": False}


def _of_job(name: str, schema: Schema, channel: str) -> tuple[str, Schema]:
    """A member of a job as JSON has it, where that differs from the class."""
    if name == "job_id":
        return name, {"type": "string", "pattern": "^[1-9][0-9]*$"}
    if name == "channel":
        return name, {"type": "string", "enum": [channel]}
    if name == "address":
        return answers.address_key(channel), schema
    return name, schema


def prose(documented: object) -> str:
    """What a docstring says before its sections and examples, as Markdown."""
    text = re.split(r"\n(?:\w+:\n|>>> )", inspect.getdoc(documented) or "")[0]
    return _markdown(text)


def arguments(documented: object, heading: str = "Args") -> dict[str, str]:
    """What a section of a docstring says of each argument or attribute, as Markdown."""
    section = re.search(rf"^{heading}:\n((?:[ ]+.*\n?|\n)+)", inspect.getdoc(documented) or "", re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section[1] if section else "", re.MULTILINE)
    return {name: _markdown(re.sub(r"\s+", " ", text)) for name, text in entries}


def _markdown(text: str) -> str:
    return text.replace("``", "`").strip()
