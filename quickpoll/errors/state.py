"""What is wrong with what is asked for, as it is now."""

from __future__ import annotations

from quickpoll.errors.problem import QuickPollError


class Missing(QuickPollError):
    status = 404


class NotFound(Missing):
    """An address that is none, or a thing that is not there and is no poll."""

    code = "not_found"
    title = "Not found"
    default_detail = "There is nothing here."


class PollNotFound(Missing):
    """A poll that never was, or was deleted."""

    code = "poll_not_found"
    title = "Poll not found"
    default_detail = "There is no such poll."


class OptionNotFound(Missing):
    """A vote for an option that its poll does not have."""

    code = "option_not_found"
    title = "Option not found"
    default_detail = "This poll has no such option."


class Conflict(QuickPollError):
    status = 409


class AlreadyVoted(Conflict):
    """Another ballot of the same user, where a vote cannot be changed; ``option_ids``: the one
    that there is."""

    code = "already_voted"
    title = "Already voted"
    default_detail = "You have voted on this poll already, and a vote on it cannot be changed."

    @classmethod
    def example(cls) -> AlreadyVoted:
        """With the ballot as it stands."""
        return cls(option_ids=["65f1c0ffee0000000000b001"])


class PollClosed(Conflict):
    """A ballot that comes at the moment of the close, or later."""

    code = "poll_closed"
    title = "Poll closed"
    default_detail = "This poll is closed: votes are neither taken nor changed."


class PollHasVotes(Conflict):
    """A change of question or options after the first vote."""

    code = "poll_has_votes"
    title = "Poll has votes"
    default_detail = "Somebody has voted: question and options can no longer be changed."


class VoteChangeNotAllowed(Conflict):
    """A ballot taken back on a poll that does not allow it."""

    code = "vote_change_not_allowed"
    title = "Vote change not allowed"
    default_detail = "A vote on this poll cannot be changed or taken back."


class Locked(Conflict):
    """A change of what voters rely on, after the first vote."""

    code = "locked"
    title = "Setting locked"
    default_detail = (
        "Somebody has voted, and voters rely on this setting: it can no longer be changed so."
    )


class SessionChanged(Conflict):
    """``session`` is the session as it is now."""

    code = "session_changed"
    title = "Session changed"
    default_detail = "Somebody else has changed this session; look at it as it is now."


class SessionEnded(Conflict):
    """A step in a session that has ended."""

    code = "session_ended"
    title = "Session ended"
    default_detail = "This session has ended: nothing more is shown in it."


class GuestsDiffer(Conflict):
    """A poll in a session that admits other guests."""

    code = "guests_differ"
    title = "Guests differ"
    default_detail = "A session and its polls admit the same guests, or none."


class TooManyWebhooks(Conflict):
    """A webhook beyond what one user may have."""

    code = "too_many_webhooks"
    title = "Too many webhooks"
    default_detail = "You have as many webhooks as you may have; delete one first."


class ReceiptPending(Conflict):
    """``retry_after`` is set where the receipt comes by itself; else it comes with the close."""

    code = "receipt_pending"
    title = "Receipt pending"
    default_detail = "Your ballot is not in the published log yet; ask again in a moment."
