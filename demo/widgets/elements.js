// Short names for what components do with their elements; before every component's own script.
const part = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const make = (tag, fields = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
};
const colour = (name) => getComputedStyle(element).getPropertyValue(name).trim();
