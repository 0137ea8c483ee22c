"""Every part of the service and what it is made of: the one place that puts them together."""

from __future__ import annotations

from quickpoll.composition.models import MODELS
from quickpoll.composition.services import Services

__all__ = ["MODELS", "Services"]
