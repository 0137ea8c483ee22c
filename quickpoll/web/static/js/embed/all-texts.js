// @ts-check
// What an element may have to say, in every language. The service writes this anew when it joins the
// module; what stands here is for the type checker.

/** The names of the texts, in one order. @type {string[]} */
export const names = [];

/** Each language's texts in that order. @type {Record<string, (string | Record<string, string>)[]>} */
export const texts = { en: [] };
