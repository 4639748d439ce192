import { expect, test } from 'vitest'
import { readEvents, splitText } from '../../src/ipc/sse-reader.ts'
import { collect } from './fixtures.ts'

async function* chunks(...texts: string[]) {
  yield* texts
}

test('events are found however the text is cut', async () => {
  const text =
    'event: state\ndata: {"a":1}\n\n:\n\nevent: other\ndata: x\ndata: y\n\ndata: unnamed\n\nevent: unfinished'
  for (let size = 1; size <= text.length; size++) {
    const cut = Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size))
    expect(await collect(readEvents(chunks(...cut), 1000))).toEqual([
      { name: 'state', data: '{"a":1}' },
      { name: 'other', data: 'x\ny' },
      { name: 'message', data: 'unnamed' },
    ])
  }
})

test('a piece longer than the bound ends the reading, complete or not', async () => {
  await expect(collect(splitText(chunks('aaaaa\nb'), '\n', 4))).rejects.toThrow(RangeError)
  await expect(collect(splitText(chunks('aaa', 'aa'), '\n', 4))).rejects.toThrow(RangeError)
  expect(await collect(splitText(chunks('aaaa\nbbbb\n'), '\n', 4))).toEqual(['aaaa', 'bbbb'])
})

test('a long piece that comes in many small chunks does not take quadratic time', async () => {
  // 12 GB would be looked through if every chunk meant to search all that came before it.
  const part = 'x'.repeat(1000)
  const pieces = await collect(splitText(chunks(...Array<string>(5000).fill(part), '\n'), '\n', 8_000_000))
  expect(pieces.map((piece) => piece.length)).toEqual([5_000_000])
}, 5000)
