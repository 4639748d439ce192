import { ApplianceError } from '../../core/errors.ts'
import { fence, type GuardedNetwork } from '../../host/datapath/fence.ts'
import type { Nft } from '../../host/datapath/nft.ts'
import { shortcomings, table } from '../../host/datapath/ruleset.ts'
import { type Check, type CheckResult, failed, ok, unknown } from '../finding.ts'

/** What the engine said of our container. */
export type ControllerLook =
  | { readonly state: 'unknown' }
  | { readonly state: 'stopped' }
  | { readonly state: 'running'; readonly network: GuardedNetwork }

/** Whether the fence stands that keeps everybody from the controller's own address, whatever routes lead there. */
export function isolationCheck(controller: ControllerLook, nft: Nft): Check {
  return { name: 'isolation', run: async (signal) => [await look(controller, nft, signal)] }
}

async function look(controller: ControllerLook, nft: Nft, signal: AbortSignal): Promise<CheckResult> {
  let listing: unknown
  try {
    listing = await nft.list(signal)
  } catch (error) {
    if (!(error instanceof ApplianceError)) throw error
    if (/not permitted|must be root/i.test(error.message)) {
      return unknown('could not check: only root may read the packet filter', 'sudo omada-host doctor')
    }
    return failed(error.fault)
  }
  if (controller.state === 'unknown') {
    return unknown('could not check: no engine says whether the controller runs, for which the fence has to stand')
  }
  if (controller.state === 'stopped') return ok('the controller does not run; its fence is set before it starts')
  const { network } = controller
  const lacks = listing === undefined ? ['all of it'] : shortcomings(listing, fence([network]))
  if (lacks.length === 0) {
    return ok(
      `nobody reaches the controller in ${network.subnet} but by the ports served here, whatever routes lead there: ` +
        `the table ${table.family} ${table.name} stands`,
    )
  }
  return failed({
    code: 'FENCE_DOWN',
    message:
      `the controller runs without its fence: the table ${table.family} ${table.name} lacks ${lacks.join(', ')}, and ` +
      `whoever has a route to ${network.subnet} by way of this machine reaches it past access.* and every limit`,
    remedy: 'start omada-host, which sets it again within seconds: systemctl start omada-host',
  })
}
