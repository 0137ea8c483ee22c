"""What an operator can choose about the pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PageOptions:
    """``frame_ancestors``: CSP sources that may show the pages in a frame; none at all means the
    same as ``'none'``. ``version`` stands in the pages' footer. ``user_id_claim`` is the claim
    by which a page tells whose token it holds. ``verifiable``: polls can be made whose result
    anybody can check.
    """

    frame_ancestors: tuple[str, ...] = ("'none'",)
    version: str = ""
    user_id_claim: str = "sub"
    verifiable: bool = False
