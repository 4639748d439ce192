// The edge of a probe child's process, as src/main.ts is in the program: channel, signals, exit code.
import { runProbeChild } from '../../src/host/health/probe-child.ts'

const gone = new AbortController()
process.on('disconnect', () => gone.abort())
process.on('SIGTERM', () => gone.abort())
await runProbeChild({
  signal: gone.signal,
  channel: {
    send: (message) => {
      if (process.connected) process.send?.(message, undefined, undefined, () => {})
    },
    onMessage: (listener) => {
      process.on('message', listener)
    },
  },
})
if (process.connected) process.disconnect()
