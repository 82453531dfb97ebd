"""`RecipeSection`: the options of one command, some of them nested in groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from keras_vnn.basics.errors import did_you_mean
from keras_vnn.options import Options, worded


class Misuse(ValueError):
    """An option of a group is unknown, has no effect, or has an impossible value."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


class RecipeSection(BaseModel):
    """Options of one command; unknown names are errors.

    Options that functions take by name are nested in groups, ``training: {epochs: 20}``; their names may also stand in
    the section itself, ``epochs: 20``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    # By group, the options that may be in it, and those of them that are not.
    groups: ClassVar[Mapping[str, tuple[type[Options], ...]]] = {}
    elsewhere: ClassVar[tuple[str, ...]] = ()
    # Groups whose options have the name of the group before their own outside of it.
    prefixed: ClassVar[tuple[str, ...]] = ()
    # Fields that have an effect only with one of some others.
    needs: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # The headings under which the command line lists fields.
    headings: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def place_of(cls, name: str) -> tuple[str, str] | None:
        """Return the group of an option that may stand in the section itself, and its name there."""
        if name in cls.model_fields:
            return None
        prefix, _, rest = name.partition("_")
        if prefix in cls.prefixed and rest in cls.names_in(prefix):
            return prefix, rest
        groups = (group for group in cls.groups if group not in cls.prefixed and name in cls.names_in(group))
        return next(((group, name) for group in groups), None)

    @classmethod
    def names_in(cls, group: str) -> tuple[str, ...]:
        """Return the names of the options of a group."""
        names = dict.fromkeys(name for kind in cls.groups[group] for name in kind.names())
        return tuple(name for name in names if name not in cls.elsewhere)

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Return the names of everything the section can be told, groups left out."""
        own = [name for name in cls.model_fields if name not in cls.groups]
        return (*own, *dict.fromkeys(name for group in cls.groups for name in cls.flat_names(group)))

    @classmethod
    def flat_names(cls, group: str) -> tuple[str, ...]:
        """Return what the options of a group are called in the section itself."""
        prefix = f"{group}_" if group in cls.prefixed else ""
        return tuple(name for option in cls.names_in(group) if (name := prefix + option) not in cls.model_fields)

    @model_validator(mode="before")
    @classmethod
    def _nest(cls, values: Any) -> Any:
        """Put options that stand in the section into their groups."""
        if not isinstance(values, Mapping):
            return values
        # A group that is no mapping is left for pydantic to refuse by name.
        wrong = {name for name in cls.groups if not isinstance(values.get(name, {}), Mapping)}
        nested: dict[str, Any] = {}
        for name, value in values.items():
            if (place := cls.place_of(str(name))) is None:
                nested[name] = {**value, **nested.get(name, {})} if name in {*cls.groups} - wrong else value
            elif (group := place[0]) not in wrong:
                option = place[1]
                nested[group] = {**nested.get(group, {}), option: value}
        return nested

    def applying(self, group: str) -> tuple[type[Options], ...]:
        """Return those of the options of a group that have an effect, with what else the section says."""
        return self.groups[group]

    @model_validator(mode="after")
    def _check_groups(self) -> Any:
        """Check that options have an effect, and names and values within groups."""
        for name, others in self.needs.items():
            is_given = name in self.model_fields_set and getattr(self, name) != type(self).model_fields[name].default
            if is_given and not any(getattr(self, other) for other in others):
                raise Misuse(name, f"{name!r} has no effect without {' or '.join(others)}. Leave it out")
        for group in self.groups:
            given = getattr(self, group)
            kinds = self.applying(group)
            for name in given:
                if not any(name in kind.model_fields and name not in self.elsewhere for kind in kinds):
                    raise Misuse(name, self._why_not(group, name, kinds))
            for kind in kinds:
                known = {name: value for name, value in given.items() if name in kind.model_fields}
                try:
                    checked = kind.__pydantic_validator__.validate_python(known)
                except ValidationError as error:
                    problem = error.errors()[0]
                    raise Misuse(str(problem["loc"][0]), worded(kind, problem).removesuffix(".")) from None
                given.update({name: getattr(checked, name) for name in known})
        return self

    def _why_not(self, group: str, name: str, kinds: tuple[type[Options], ...]) -> str:
        if any(name in kind.model_fields for kind in self.groups[group]) and name not in self.elsewhere:
            return f"{name!r} has no effect{self.because(group)}. Leave it out"
        known = [known for kind in kinds for known in kind.names() if known not in self.elsewhere]
        hint = did_you_mean(name, known) or f"Known: {', '.join(known) or 'none'}."
        return f"Unknown {kinds[0].what if kinds else 'option'} {name!r}. {hint.removesuffix('.')}"

    def because(self, group: str) -> str:
        """Return what makes options of a group have no effect."""
        return ""
