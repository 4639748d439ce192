/** One member of a tar archive. Paths are relative and, like everything in the image, under 100 characters. */
export type TarEntry =
  | { readonly path: string; readonly mode: number; readonly content: Buffer }
  | { readonly path: string; readonly mode: number; readonly directory: true }

const block = 512

/** The archive in pieces, contents uncopied, so that a large one is never in memory twice. Format: POSIX ustar. */
export function* tarChunks(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const entry of entries) {
    const content = 'content' in entry ? entry.content : Buffer.alloc(0)
    yield header(entry, content.length)
    yield content
    yield Buffer.alloc((block - (content.length % block)) % block)
  }
  yield Buffer.alloc(2 * block)
}

/** The size of the whole archive, in bytes. */
export function tarSize(entries: Iterable<TarEntry>): number {
  let size = 2 * block
  for (const entry of entries) {
    size += block + ('content' in entry ? Math.ceil(entry.content.length / block) * block : 0)
  }
  return size
}

/** Member header; root owns everything and the time is 1970, so that equal inputs make equal images. */
export function header(entry: TarEntry, size: number): Buffer {
  const bytes = Buffer.alloc(block)
  if (Buffer.byteLength(entry.path) > 99) throw new Error(`${entry.path} is too long for a tar header`)
  const octal = (value: number, offset: number, width: number) =>
    bytes.write(`${value.toString(8).padStart(width - 1, '0')}\0`, offset, 'latin1')
  bytes.write(entry.path, 0, 'utf8')
  octal(entry.mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  bytes.write('        ', 148, 'latin1')
  bytes.write('directory' in entry ? '5' : '0', 156, 'latin1')
  bytes.write('ustar\0' + '00', 257, 'latin1')
  let sum = 0
  for (const byte of bytes) sum += byte
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
