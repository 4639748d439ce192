import { bytes, percent, sentence } from '../core/format.ts'
import type { HostState, PullProgress } from '../ipc/host-state.ts'

/** What the host is doing, in one line for people: what `systemctl status` shows. */
export function statusLine(state: HostState): string {
  const { message, code, remedy } = state.reason
  const fix = remedy === undefined ? '' : `; fix: ${remedy}`
  switch (state.phase) {
    case 'pulling':
      // The fault of the last try, while it is being tried again.
      if (code !== undefined) return `Pulling image, trying again: ${message}${fix}`
      return state.controller.pull === undefined ? sentence(message) : pullLine(state.controller.pull)
    case 'ready':
      return `Ready: ${message}${alarm(state)}`
    case 'degraded':
      return `Degraded: ${message}${fix}`
    case 'failed':
      return `Failed: ${message}${fix}`
    default:
      return `${sentence(message)}${fix}`
  }
}

/** What needs attention although all works, such as a disk that is nearly full. */
function alarm({ warnings }: HostState): string {
  const urgent = warnings.filter(({ severity }) => severity !== 'notice')
  // What waits for its owner from the first day on does not hide what is new.
  const first = urgent.find(({ code }) => code !== 'DEVICE_ADDRESS') ?? urgent[0]
  if (first === undefined) return ''
  return `; but ${first.message}; fix: ${first.remedy}`
}

/** `Pulling image 43 % (212 MB of 490 MB)`. Its total grows while layers become known. */
function pullLine(pull: PullProgress): string {
  const { current, total } = pull
  const share = percent(pull)
  if (share !== undefined) return `Pulling image ${share} % (${bytes(current)} of ${bytes(total)})`
  return current === 0 ? 'Pulling image' : `Pulling image (${bytes(current)})`
}
