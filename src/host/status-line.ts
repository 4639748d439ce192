import type { HostState, PullProgress } from '../ipc/host-state.ts'

const megabyte = 1_000_000

/** What the host is doing, in one line for people: what `systemctl status` shows. */
export function statusLine(state: HostState): string {
  const { message, code, remedy } = state.reason
  const fix = remedy === undefined ? '' : `; fix: ${remedy}`
  switch (state.phase) {
    case 'pulling':
      // The fault of the last try, while it is being tried again.
      if (code !== undefined) return `Pulling image, trying again: ${message}${fix}`
      return state.controller.pull === undefined ? capitalised(message) : pullLine(state.controller.pull)
    case 'ready':
      return `Ready: ${message}${alarm(state)}`
    case 'degraded':
      return `Degraded: ${message}${fix}`
    case 'failed':
      return `Failed: ${message}${fix}`
    default:
      return `${capitalised(message)}${fix}`
  }
}

/** What needs attention although all works, such as a disk that is nearly full. */
function alarm({ warnings }: HostState): string {
  const first = warnings.find(({ code }) => code !== undefined)
  if (first === undefined) return ''
  return `; but ${first.message}${first.remedy === undefined ? '' : `; fix: ${first.remedy}`}`
}

/** `Pulling image 43% (212 of 490 MB)`. Its total grows while layers become known. */
function pullLine({ current, total }: PullProgress): string {
  const done = Math.round(current / megabyte)
  if (total === 0) return done === 0 ? 'Pulling image' : `Pulling image (${done} MB)`
  const percent = Math.min(100, Math.floor((current / total) * 100))
  return `Pulling image ${percent}% (${done} of ${Math.round(total / megabyte)} MB)`
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
