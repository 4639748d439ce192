import type { ContainerFile, NewFile } from './engine.ts'

/** A tar archive is made of blocks of this size (ustar, POSIX.1-1988). */
const block = 512
/** Longest description of a file that is skipped on the way to it: extended headers (POSIX.1-2001 pax, GNU). */
const maxExtraBytes = 64 * 1024
const extraTypes = new Set(['x', 'g', 'L', 'K'])

/**
 * The first file of an archive, as `GET /containers/{id}/archive` of one file answers: `undefined` where that is no regular
 * file. Reads no more than it needs. The package tar-stream would do as much, for whole archives of any size.
 * @throws Error for what is no archive
 */
export async function firstFile(archive: AsyncIterable<Buffer>, maxBytes: number): Promise<ContainerFile | undefined> {
  let read = Buffer.alloc(0)
  let at = 0
  for await (const chunk of archive) {
    read = Buffer.concat([read, chunk])
    while (read.length >= at + block) {
      const header = read.subarray(at, at + block)
      const { type, size } = fieldsOf(header)
      if (!extraTypes.has(type)) {
        if (type !== '0' && type !== '\0') return undefined
        const end = at + block + Math.min(size, maxBytes)
        if (read.length < end) break
        return { size, content: read.subarray(at + block, end) }
      }
      if (size > maxExtraBytes) throw new Error('the archive has an extended header that is too long')
      at += block + Math.ceil(size / block) * block
    }
  }
  throw new Error('the archive ended before its first file')
}

/** Type flag at 156, size at 124 in octal, or in base 256 where its first bit is set (GNU): more than is ever asked for. */
function fieldsOf(header: Buffer): { type: string; size: number } {
  if (header.toString('latin1', 257, 262) !== 'ustar') throw new Error('the answer is no archive')
  const type = header.toString('latin1', 156, 157)
  if ((header[124] ?? 0) >= 0x80) return { type, size: Number.MAX_SAFE_INTEGER }
  const size = Number.parseInt(header.toString('latin1', 124, 136).replace(/\0.*$/, '').trim(), 8)
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('the archive has a file of no size')
  return { type, size }
}

/** An archive of one small file that everybody may read. */
export function archiveOf({ name, content, uid, gid }: Omit<NewFile, 'directory'>): Buffer {
  const body = Buffer.from(content)
  const header = Buffer.alloc(block)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  header.write(name, 0, 100)
  header.write(octal(0o644, 7), 100)
  header.write(octal(uid, 7), 108)
  header.write(octal(gid, 7), 116)
  header.write(octal(body.length, 11), 124)
  header.write(octal(Math.floor(Date.now() / 1000), 11), 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const padding = Buffer.alloc((block - (body.length % block)) % block)
  return Buffer.concat([header, body, padding, Buffer.alloc(2 * block)])
}
