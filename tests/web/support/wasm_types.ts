// Hand-written types of a WebAssembly module, read by TypeScript's own parser, to hold them against the built module.
import { readFileSync } from "node:fs";
import ts from "typescript";

const root = new URL("../../../", import.meta.url);

export const wasmBytes = (name: string): Uint8Array =>
  readFileSync(new URL(`build/wasm/module/${name}.wasm`, root));

export interface Member {
  name: string;
  type: string;
  parameters: string[];
}

/** Looks the members of an interface up in wasm/NAME.d.mts. */
export function typesOf(name: string): (wanted: string) => Member[] {
  const file = `${name}.d.mts`;
  const declared = ts.createSourceFile(
    file,
    readFileSync(new URL(`wasm/${file}`, root), "utf8"),
    ts.ScriptTarget.Latest,
  );
  const text = (node: ts.Node | undefined) => node?.getText(declared) ?? "";
  return (wanted) => {
    const found = declared.statements.find((s) => ts.isInterfaceDeclaration(s) && s.name.text === wanted);
    if (!found || !ts.isInterfaceDeclaration(found)) throw new Error(`no interface ${wanted}`);
    return found.members.map((member) => ({
      name: text(member.name),
      type: ts.isPropertySignature(member) || ts.isMethodSignature(member) ? text(member.type) : "",
      parameters: ts.isMethodSignature(member) ? member.parameters.map((p) => text(p.type)) : [],
    }));
  };
}

export const sorted = (words: string[]): string[] => [...words].sort();
export const namesOf = (members: Member[]): string[] => sorted(members.map((member) => member.name));

/** The functions that a built module exports, without what Emscripten itself leaves on it. */
export const exportsOf = (module: object): string[] =>
  sorted(
    Object.entries(module)
      .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name))
      .map(([name]) => name)
      .filter((name) => name !== "run" && !name.includes("_")),
  );

/** How many arguments an exported function takes: it says so when it gets too many. */
export function argumentCountOf(module: object, name: string): number {
  const exported = (module as Record<string, (...values: unknown[]) => unknown>)[name];
  try {
    exported?.(...Array.from({ length: 20 }, () => 0));
  } catch (thrown) {
    return Number(/expected (\d+) args/.exec(String(thrown))?.[1]);
  }
  return Number.NaN;
}
