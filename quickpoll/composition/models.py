"""Every model that is kept in MongoDB, each in a collection of its own."""

from __future__ import annotations

from quickpoll.guests.models import Invite
from quickpoll.idempotency.models import Claim
from quickpoll.likes.models import Like
from quickpoll.management.models import Deletion, HistoryRow
from quickpoll.personal.models import PERSONAL_MODELS
from quickpoll.polls.models import Poll
from quickpoll.sessions.models import Session
from quickpoll.sharing.models import ShareCode
from quickpoll.transparency.room import LOG_MODELS
from quickpoll.votes.models import Vote
from quickpoll.webhooks.outbox import OUTBOX_MODELS

MODELS = (
    *(Poll, Vote, Like, HistoryRow, Deletion, Claim, Invite, ShareCode, Session),
    *LOG_MODELS,
    *OUTBOX_MODELS,
    *PERSONAL_MODELS,
)
