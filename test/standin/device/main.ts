import { setTimeout as delay } from 'node:timers/promises'
import { parseSimulation, usage } from './options.ts'

/** Simulated devices as a process: command line in, JSON lines out, until a signal or --seconds ends it. */
async function main(): Promise<void> {
  const simulation = parseSimulation(process.argv.slice(2), (event) => console.log(JSON.stringify(event)))
  if (simulation === undefined) {
    process.stdout.write(usage)
    return
  }
  const ending = new AbortController()
  process.on('SIGTERM', () => ending.abort())
  process.on('SIGINT', () => ending.abort())
  // Whoever reads the lines may go away first.
  process.stdout.on('error', () => ending.abort())
  try {
    for (const part of simulation.parts) await part.start()
    const milliseconds = simulation.seconds === undefined ? 2 ** 31 - 1 : simulation.seconds * 1000
    await delay(milliseconds, undefined, { signal: ending.signal }).catch(() => undefined)
  } finally {
    await Promise.all(simulation.parts.map((part) => part.stop()))
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
})
