// Where the bytes of a WebAssembly module come from.

/**
 * A file by its URL, or the bytes themselves. A function is called when the bytes are needed, not before.
 * Without a source, the file is fetched from beside the library's own files; bundlers follow that reference.
 */
export type WasmSource =
  | { url: string | URL }
  | {
      bytes: ArrayBuffer | Uint8Array | (() => ArrayBuffer | Uint8Array | Promise<ArrayBuffer | Uint8Array>);
    };

async function fetchBytes(url: string | URL): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.arrayBuffer();
}

/** The bytes of the source; without one, of the file at `besideUs`. */
export async function bytesOf(
  source: WasmSource | undefined,
  besideUs: () => URL,
): Promise<ArrayBuffer | Uint8Array> {
  if (source === undefined) return fetchBytes(besideUs());
  if ("url" in source) return fetchBytes(source.url);
  return typeof source.bytes === "function" ? source.bytes() : source.bytes;
}
