import { expect, test } from 'vitest'
import { programOutput } from '../../src/diagnosis/program-output.ts'

const { signal } = new AbortController()

test('what a program says, why it failed, and that there is none', async () => {
  expect(await programOutput(['sh', '-c', 'echo $LC_ALL'], signal)).toEqual({ kind: 'said', text: 'C\n' })
  expect(await programOutput(['sh', '-c', 'echo no >&2; exit 3'], signal)).toEqual({
    kind: 'failed',
    why: 'sh: no',
  })
  expect(await programOutput(['no-such-program-here'], signal)).toEqual({ kind: 'absent' })
})

test('a program is ended with the command', async () => {
  const ending = new AbortController()
  const output = programOutput(['sleep', '60'], ending.signal)
  ending.abort()
  await expect(output).rejects.toMatchObject({ name: 'AbortError' })
})
