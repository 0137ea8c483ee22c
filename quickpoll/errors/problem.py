"""What every error is, and how one becomes words on the wire (RFC 9457)."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic.alias_generators import to_camel

TYPE_PREFIX = "urn:quickpoll:problem:"


class QuickPollError(Exception):
    """What a caller is told when something did not work.

    ``detail`` is written for a person; ``extra`` are further members of the problem document,
    by their names here: :func:`problem` spells them.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    default_detail: ClassVar[str] = "Something went wrong on our side."
    retry_after: int | None = None

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail or self.default_detail)
        self.detail = detail or self.default_detail
        self.extra = extra

    @classmethod
    def example(cls) -> QuickPollError:
        """One such error, for the documentation."""
        return cls()

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that go with this answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def problem(error: QuickPollError) -> dict[str, Any]:
    """The problem document of an error: RFC 9457, with ``code`` for programs."""
    return {
        "type": TYPE_PREFIX + error.code,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **{to_camel(name): value for name, value in error.extra.items()},
    }


def leaves(root: type[QuickPollError] = QuickPollError) -> list[type[QuickPollError]]:
    """Every error that can be told to a caller, in the order of the tree."""
    below = [leaf for child in root.__subclasses__() for leaf in leaves(child)]
    return below or [root]
