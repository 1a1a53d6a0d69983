// How vitest runs the tests of web/: the library's own against its sources, everything else against the built package.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("../../", import.meta.url));
const library = `${root}web/library`;

// The tests say "jobwatchdog" as its users do, and mean the sources.
const alias = [
  { find: /^jobwatchdog$/, replacement: `${library}/index.ts` },
  { find: /^jobwatchdog\/(.*)$/, replacement: `${library}/$1.ts` },
];

export default defineConfig({
  root,
  cacheDir: `${root}.local/vitest`,
  test: {
    projects: [
      {
        root,
        resolve: { alias },
        test: { name: "library", include: ["tests/web/*.test.ts"], environment: "node" },
      },
      {
        root,
        resolve: { alias },
        test: { name: "react", include: ["tests/web/*.test.tsx"], environment: "jsdom" },
      },
      {
        root,
        test: {
          name: "package",
          include: ["tests/web/package/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        root,
        test: {
          name: "browser",
          include: ["tests/web/browser/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
