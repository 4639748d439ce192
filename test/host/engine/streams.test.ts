import { describe, expect, test } from 'vitest'
import { demultiplex, LineSplitter } from '../../../src/host/engine/streams.ts'

const frame = (source: number, text: string) => {
  const payload = Buffer.from(text)
  const header = Buffer.alloc(8)
  header.writeUInt8(source, 0)
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const list: string[] = []
  for await (const line of lines) list.push(line)
  return list
}

describe('a log stream', () => {
  test.each([1, 3, 7, 4096])('is taken apart in pieces of %i bytes', async (size) => {
    const bytes = Buffer.concat([frame(1, 'one\ntw'), frame(2, 'error\n'), frame(1, 'o\nünd'), frame(1, '')])
    expect(await all(demultiplex(inPieces(bytes, size)))).toEqual(['one', 'error', 'two', 'ünd'])
  })

  test('keeps no more of a line than it may', async () => {
    const endless = frame(1, `${'x'.repeat(100_000)}\nshort\n`)
    const [long, short] = await all(demultiplex(inPieces(endless, 1000)))
    expect(long).toHaveLength(8192)
    expect(short).toBe('short')
  })
})

test('a splitter keeps the unfinished line for later', () => {
  const splitter = new LineSplitter()
  expect(splitter.push(Buffer.from('a\r\nb'))).toEqual(['a'])
  expect(splitter.push(Buffer.from('c\n\n'))).toEqual(['bc', ''])
  expect(splitter.flush()).toEqual([])
})
