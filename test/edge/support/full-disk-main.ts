import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { createLogger } from '../../../src/core/logger.ts'
import { KeptPart } from '../../../src/edge/kept-part.ts'
import { edgePart } from '../../support/channel.ts'

// Run with a small file system at the directory of the file that is named by the argument: fills it, keeps a part there,
// makes room, and prints what came of it.

const [, , path = ''] = process.argv
const directory = dirname(path)
const lines: string[] = []
const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
// What is tried again after seconds is tried again at once.
let tries = 0
const clock = {
  ...systemClock,
  sleep: async (_: number, signal?: AbortSignal) => {
    tries += 1
    await systemClock.sleep(20, signal)
  },
}
const [first, second] = [edgePart({ status: { port: 8091 } }), edgePart({ status: { port: 8092 } })]
const kept = new KeptPart({ path, version: first.stateVersion, logger, clock })
const until = async (check: () => boolean | Promise<boolean>) => {
  for (const deadline = AbortSignal.timeout(20_000); !(await check()); deadline.throwIfAborted())
    await systemClock.sleep(20)
}
const keptNow = (port: number) => until(async () => (await kept.read())?.config.status.port === port)

kept.keep(first)
await keptNow(8091)
const before = await readFile(path, 'utf8')
const filler = join(directory, 'filler')
await writeFile(filler, Buffer.alloc(1024 * 1024)).catch(() => {})
kept.keep(second)
await until(() => tries > 3)
const whileFull = {
  whole: (await readFile(path, 'utf8')) === before,
  said: lines.length,
}
await rm(filler)
await keptNow(8092)
await kept.stop()
console.log(JSON.stringify({ whileFull, files: await readdir(directory), lines }))
