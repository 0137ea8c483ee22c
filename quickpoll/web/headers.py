"""What browsers are told about pages: where things may come from, and what is off."""

from __future__ import annotations

from collections.abc import Mapping

_EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OF_A_PAGE = {
    **_EVERYWHERE,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), "
        "clipboard-write=(self), fullscreen=(self)"
    ),
}

_NOBODY = ("'none'",)


def _policy(directives: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {sources}".strip() for name, sources in directives.items())


def _page(frame_ancestors: tuple[str, ...], **more: str) -> dict[str, str]:
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(frame_ancestors or _NOBODY),
        **{name.replace("_", "-"): sources for name, sources in more.items()},
    }
    headers = {**_OF_A_PAGE, "Content-Security-Policy": _policy(directives)}
    if directives["frame-ancestors"] == "'none'":
        headers["X-Frame-Options"] = "DENY"
    return headers


def live_page(frame_ancestors: tuple[str, ...]) -> dict[str, str]:
    """Nothing inline, nothing from elsewhere; text can become markup nowhere. The one policy of
    trusted types names the one worker that there is (``js/proof-of-work.js``)."""
    return _page(
        frame_ancestors,
        worker_src="'self'",
        require_trusted_types_for="'script'",
        trusted_types="quickpoll-worker",
    )


def form_page(frame_ancestors: tuple[str, ...]) -> dict[str, str]:
    """As a live page's, with a form that leads to ourselves and needs no script."""
    return _page(
        frame_ancestors,
        form_action="'self'",
        require_trusted_types_for="'script'",
        trusted_types="'none'",
    )


def swagger_ui() -> dict[str, str]:
    """As a live page's, but for what Swagger UI does: style attributes and ``data:`` images."""
    return _page(_NOBODY, style_src="'self' 'unsafe-inline'", img_src="'self' data:")


def redoc() -> dict[str, str]:
    """As Swagger UI's, and the search of ReDoc runs in a worker made from a ``blob:``."""
    return {
        **swagger_ui(),
        **_page(
            _NOBODY,
            style_src="'self' 'unsafe-inline'",
            img_src="'self' data:",
            worker_src="blob:",
        ),
    }


def shown_anywhere() -> dict[str, str]:
    """For a picture that other sites show."""
    return {**for_any_page(), "Content-Security-Policy": "default-src 'none'"}


def for_any_page() -> dict[str, str]:
    """For a file that pages of any origin load, as a part of themselves or in a frame without an
    origin."""
    return {**_EVERYWHERE, "Cross-Origin-Resource-Policy": "cross-origin"}


def of_file(name: str) -> dict[str, str]:
    """For a file of this name among the assets."""
    if name.endswith(".svg"):
        return image()
    return for_any_page() if "embed/" in name else asset()


def asset() -> dict[str, str]:
    """For a file."""
    return dict(_EVERYWHERE)


def image() -> dict[str, str]:
    """For a picture; opened by itself, it runs nothing."""
    return {**asset(), "Content-Security-Policy": "default-src 'none'"}
