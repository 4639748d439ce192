import type { Notifier } from '../../src/systemd/notify.ts'

/** A notifier that keeps what it is told. */
export function fakeNotifier(): { notifier: Notifier; calls: string[] } {
  const calls: string[] = []
  const keep = (call: string) => {
    calls.push(call)
    return Promise.resolve()
  }
  const notifier: Notifier = {
    ready: () => keep('ready'),
    status: (text) => keep(`status ${text}`),
    stopping: () => keep('stopping'),
    watchdog: () => keep('watchdog'),
    extendTimeout: (milliseconds) => keep(`extend ${milliseconds}`),
  }
  return { notifier, calls }
}
