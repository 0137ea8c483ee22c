// @ts-check
// Shares: the one place where percents are made for pages.

/**
 * Whole percents of all voters: each option's own share, rounded half up, once. Equal votes are
 * equal percents, and no figure is bent to make a sum.
 * @param {number[]} counts
 * @param {number} voters
 */
export const percents = (counts, voters) => counts.map((votes) => percentOf(votes, voters));

// In whole numbers up to the division, so that a half is a half.
/** @param {number} votes @param {number} voters */
const percentOf = (votes, voters) => (voters ? Math.floor((votes * 200 + voters) / (2 * voters)) : 0);
