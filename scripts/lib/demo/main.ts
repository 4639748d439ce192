import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { isAbort, messageOf } from '../../../src/core/errors.ts'
import { type DemoOptions, runDemo } from './demo.ts'

// scripts/demo runs this once everything is installed and built: arguments, signals, exit code, the last words.
const { values } = parseArgs({
  options: { adopt: { type: 'boolean', default: false }, for: { type: 'string' }, log: { type: 'string' } },
})
const log = values.log ?? '/tmp/omada-host-demo.log'
const seconds = values.for === undefined ? undefined : Number(values.for)
const cancel = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    console.log(
      cancel.signal.aborted
        ? 'Still cleaning up.'
        : '\nStopping: the controller gets the time that its database needs.',
    )
    cancel.abort()
  })
}

const options: DemoOptions = { adopt: values.adopt, seconds, log, signal: cancel.signal }
try {
  if (seconds !== undefined && !(seconds >= 0)) throw new Error(`--for takes a number of seconds, not '${values.for}'`)
  await runDemo(options)
  await rm(log, { force: true })
  console.log('Everything is removed again.')
} catch (error) {
  if (cancel.signal.aborted && isAbort(error)) {
    await rm(log, { force: true })
    console.log('Everything is removed again.')
  } else {
    console.error(`\nfailed: ${messageOf(error)}`)
    const end = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n')
    if (end !== '') console.error(end)
    console.error(`the whole log: ${log}`)
    process.exitCode = 1
  }
}
