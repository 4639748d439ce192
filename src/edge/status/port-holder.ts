import type { PortHolder, Reason } from '../../ipc/host-state.ts'

/** A port of the appliance, open or not. */
export interface PortQuestion {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly state: string
  readonly reason?: Reason
}

/**
 * The same entry; when it failed and the host sees who holds the port, its reason names the process. The edge cannot
 * see other processes, which is why its half of the state does not say it.
 */
export function nameHolder<T extends PortQuestion>(
  entry: T,
  holders: readonly PortHolder[],
  ownPid: number | undefined,
): T {
  if (entry.state !== 'failed' || entry.reason === undefined) return entry
  const rivals = holders.filter(
    (holder) => holder.protocol === entry.protocol && holder.port === entry.port && holder.pid !== ownPid,
  )
  if (rivals.length === 0) return entry
  const names = [...new Set(rivals.map((rival) => `${rival.process} (pid ${rival.pid})`))].slice(0, 3).join(', ')
  return { ...entry, reason: { ...entry.reason, message: `${entry.reason.message}: ${names}` } }
}
