// @ts-check
// What goes over the wire, for the type checker. Nothing in here runs, and no page loads it.

/**
 * @typedef {{ id: string, text: string }} Option
 *
 * @typedef {object} PollView A poll as the REST interface answers it.
 * @property {string} id
 * @property {string} question
 * @property {string} userId
 * @property {string} createdAt
 * @property {Option[]} options
 * @property {"open" | "closed"} status
 * @property {string | null} closesAt
 * @property {string | null} [closedAt]
 * @property {number} minChoices
 * @property {number} maxChoices
 * @property {"always" | "after_vote" | "after_close" | "owner"} results
 * @property {boolean} allowVoteChange
 * @property {"public" | "unlisted"} visibility
 * @property {"off" | "open" | "invited"} guests
 * @property {boolean} verifiable
 * @property {Record<string, number>} counts
 * @property {number} [votersCount]
 * @property {number} [votesCount]
 * @property {number} version
 * @property {string[]} userVotes
 * @property {boolean} userHasLiked
 * @property {boolean} [resultsHidden]
 *
 * @typedef {object} Update A snapshot, or an update of the counts.
 * @property {string} pollId
 * @property {number} version
 * @property {Record<string, number>} [counts]
 * @property {number} [likes]
 * @property {number} [votersCount]
 * @property {number} [votesCount]
 * @property {"open" | "closed"} [status]
 * @property {string} [change]
 * @property {{ size: number, root: string }} [checkpoint] the last published one, of a verifiable poll
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {string} title
 * @property {string} userId
 * @property {string} createdAt
 * @property {string[]} pollIds
 * @property {number | null} at
 * @property {"lobby" | "running" | "ended" | "deleted"} status
 * @property {"off" | "open" | "invited"} guests
 * @property {number} version
 *
 * @typedef {{ id: string, question: string, options: Option[] }} PresentPoll What the news of a session has of its poll.
 *
 * @typedef {{ field: string, message: string }} FieldError
 *
 * @typedef {{ at: string, counts: Record<string, number> }} TimelineRow
 *
 * @typedef {{ words: string, run: () => void }} Action A button beside a notice.
 */

export {};
