// @ts-check
// In place of the page's session within the joined module: an element has no tab of its own, each
// brings who looks at it.

/** @returns {{ id: string, admin: boolean }} */
export const holder = () => ({ id: "", admin: false });

/** @returns {string} */
export const token = () => "";
