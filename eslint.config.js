import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "node_modules/",
      "dist/",
      "coverage/",
      "out/",
      "demo-out/",
      ".cache/",
      "test/fixtures/",
      "test/package/fixtures/",
      "**/generated/",
      "**/*.gen.ts",
      "**/*_pb.ts",
      "eslint.config.js",
    ],
  },
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": [
        "error",
        { fixStyle: "inline-type-imports", disallowTypeAnnotations: false },
      ],
      "@typescript-eslint/ban-ts-comment": [
        "error",
        { "ts-ignore": true, "ts-expect-error": true, "ts-nocheck": true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "none" },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Interfaces here are written with method shorthand and hold no `this`.
      "@typescript-eslint/unbound-method": "off",
      eqeqeq: "error",
      "no-console": "error",
      "prefer-const": "error",
    },
  },
  {
    // What crosses a room's door is an EdgeDistillError; the process belongs to the command line.
    files: ["src/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "ThrowStatement > NewExpression[callee.name=/^(Error|TypeError|RangeError)$/]",
          message: "Throw an EdgeDistillError with a code, the fact, the place and a hint.",
        },
        {
          selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
          message: "Only src/cli ends the process.",
        },
      ],
    },
  },
  {
    files: ["src/cli/**/*.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: ["src/cli/**/*.ts", "scripts/**/*.ts", "examples/**/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    // Hot loops over typed arrays, where an index is known to be inside.
    files: ["**/*.kernel.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    // A reporter prints: that is what it is for.
    files: ["test/support/*-reporter.ts"],
    rules: { "no-console": "off" },
  },
);
