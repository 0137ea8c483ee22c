// The rules for the pages' scripts. Run from the project's folder, see `make lint`.

import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2025, sourceType: "module", globals: globals.browser },
    rules: {
      "array-callback-return": "error",
      "consistent-this": "error",
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-lines": ["error", 300],
      "no-control-regex": "off", // what texts may not hold is told by such expressions
      "max-lines-per-function": ["error", 40],
      "no-else-return": "error",
      "no-implicit-coercion": "error",
      "no-param-reassign": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["quickpoll/web/static/js/*-start.js"],
    languageOptions: { globals: { SwaggerUIBundle: "readonly", Redoc: "readonly" } },
  },
  { files: ["tests/js/*.mjs"], languageOptions: { globals: globals.node } },
];
