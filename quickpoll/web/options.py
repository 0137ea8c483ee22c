"""What an operator can choose about the pages."""

from __future__ import annotations

from dataclasses import dataclass, field

from quickpoll.foundation.http.public_origin import PublicOrigin


@dataclass(frozen=True)
class PageOptions:
    """``frame_ancestors``: CSP sources that may show the pages in a frame; none at all means the
    same as ``'none'``. ``version`` stands in the pages' footer. ``user_id_claim`` is the claim
    by which a page tells whose token it holds; where it ``asks_who``, the claims do not say that.
    ``login_url``: where people get a token. ``guests``: whether there are any. ``public_origin`` is
    where others reach the page that somebody looks at. ``verifiable``: polls can be made whose
    result anybody can check.
    """

    frame_ancestors: tuple[str, ...] = ("'none'",)
    version: str = ""
    user_id_claim: str = "sub"
    asks_who: bool = False
    login_url: str | None = None
    guests: bool = False
    public_origin: PublicOrigin = field(default_factory=PublicOrigin)
    verifiable: bool = False
