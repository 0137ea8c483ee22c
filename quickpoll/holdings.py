"""What every collection holds of people: the declarations of all rooms, collected.

A new collection is declared in its room's ``holdings.py`` and added here; a test knows one that is
not.
"""

from __future__ import annotations

from quickpoll.counting import holdings as counting
from quickpoll.foundation.stores.holdings import Holding
from quickpoll.guests import holdings as guests
from quickpoll.idempotency import holdings as idempotency
from quickpoll.likes import holdings as likes
from quickpoll.management import holdings as management
from quickpoll.people import holdings as people
from quickpoll.personal import holdings as personal
from quickpoll.polls import holdings as polls
from quickpoll.repair import holdings as repair
from quickpoll.sessions import holdings as sessions
from quickpoll.sharing import holdings as sharing
from quickpoll.transparency import holdings as transparency
from quickpoll.votes import holdings as votes
from quickpoll.webhooks import holdings as webhooks

HOLDINGS: tuple[Holding, ...] = (
    *polls.HOLDINGS,
    *votes.HOLDINGS,
    *likes.HOLDINGS,
    *management.HOLDINGS,
    *guests.HOLDINGS,
    *sessions.HOLDINGS,
    *sharing.HOLDINGS,
    *transparency.HOLDINGS,
    *webhooks.HOLDINGS,
    *idempotency.HOLDINGS,
    *counting.HOLDINGS,
    *repair.HOLDINGS,
    *personal.HOLDINGS,
    *people.HOLDINGS,
)
