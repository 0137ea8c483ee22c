// @ts-check
// Building pages out of elements. Text is set as text and never read as markup.

/**
 * The element with this id. What kind it is, the templates say.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/**
 * A new element; `properties` are set on it, `children` are elements or plain text.
 * @param {string} name
 * @param {Record<string, unknown>} [properties]
 * @param {(Node | string)[]} children
 * @returns {any}
 */
export function el(name, properties = {}, ...children) {
  /** @type {any} */
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key.includes("-") || key === "role") element.setAttribute(key, String(value));
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** Show or hide. @param {HTMLElement} element @param {boolean} [visible] */
export function show(element, visible = true) {
  element.hidden = !visible;
}

/**
 * Set the text, and only where it differs: screen readers hear of what really changed.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
