import { ApplianceError } from '../../core/errors.ts'
import { ProgramError, runProgram } from '../../core/run-program.ts'
import { type Ruleset, removalText, rulesetText, table } from './ruleset.ts'

/** The kernel takes a transaction in milliseconds, but waits for others' (`nft -f` of a large file). */
const deadlineMilliseconds = 10_000

/** Rules of a machine with many containers take some hundred kilobytes. */
const maxBytes = 16 * 1024 * 1024

/** Our table in the kernel of this machine, or of the network namespace that this process is in. */
export interface Nft {
  /**
   * Puts the table in place of whatever it was.
   * @throws ApplianceError NFT_MISSING or FENCE_DOWN
   */
  set(ruleset: Ruleset, signal?: AbortSignal): Promise<void>
  /**
   * The table as `nft -j list table` says it, parsed; undefined when it is not there.
   * @throws ApplianceError NFT_MISSING or FENCE_DOWN
   */
  list(signal?: AbortSignal): Promise<unknown>
  /**
   * The chains of all tables of this machine as `nft list ruleset` writes them, without what is in sets.
   * @throws ApplianceError NFT_MISSING or FENCE_DOWN
   */
  everything(signal?: AbortSignal): Promise<string>
  /**
   * Removes the table, if it is there.
   * @throws ApplianceError NFT_MISSING or FENCE_DOWN
   */
  remove(signal?: AbortSignal): Promise<void>
}

/** By the program nft(8). @param program how it is called: another way for another network namespace */
export function nftBy(program: readonly [string, ...string[]]): Nft {
  const run = async (args: readonly string[], signal: AbortSignal | undefined) => {
    try {
      return (await runProgram([...program, ...args], { deadlineMilliseconds, maxBytes, signal })).toString('utf8')
    } catch (error) {
      throw error instanceof ProgramError ? fenceError(error) : error
    }
  }
  return {
    set: async (ruleset, signal) => {
      await run([rulesetText(ruleset)], signal)
    },
    list: async (signal) => {
      try {
        const listed: unknown = JSON.parse(await run(['-j', 'list', 'table', table.family, table.name], signal))
        return listed
      } catch (error) {
        if (error instanceof ApplianceError && /No such file or directory/.test(error.message)) return undefined
        throw error
      }
    },
    everything: (signal) => run(['-t', 'list', 'ruleset'], signal),
    remove: async (signal) => {
      await run([removalText], signal)
    },
  }
}

/** That of this process's network namespace. */
export const nft: Nft = nftBy(['nft'])

function fenceError(error: ProgramError): ApplianceError {
  if (error.kind === 'absent') {
    return new ApplianceError({
      code: 'NFT_MISSING',
      message:
        "the program nft is not installed, and without it nothing keeps the network from the controller's own address",
      remedy: 'apt-get install nftables',
    })
  }
  const refused = /not permitted/.test(error.message)
  return new ApplianceError({
    code: 'FENCE_DOWN',
    message:
      `the fence around the controller's network could not be set (${error.message}): ` +
      'whoever adds a route to that network reaches the controller past access.* and every limit',
    remedy: refused
      ? 'give this system the right to set rules of its packet filter (CAP_NET_ADMIN; in a container of LXC or Incus: one with a network of its own), or let your router admit nobody to that network'
      : 'see what the kernel says: nft list table inet omada-host; it needs nf_tables with the family inet (modprobe nf_tables)',
  })
}
