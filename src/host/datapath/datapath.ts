import { Alarm } from '../../core/alarm.ts'
import type { Clock } from '../../core/clock.ts'
import { type Loop, loopOf } from '../../core/component.ts'
import { ApplianceError, isAbort, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { Serial } from '../../core/serial.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { GuardedNetwork } from './fence.ts'
import type { Nft } from './nft.ts'
import { type Ruleset, rulesetText, shortcomings } from './ruleset.ts'

export interface DatapathOptions {
  readonly logger: Logger
  readonly clock: Clock
  /** Says that the table does not stand. */
  readonly warnings: WarningSource
  readonly nft: Nft
  /** What the table is to hold for a network of the container's, as things are now. */
  readonly ruleset: (network: GuardedNetwork) => Ruleset
  /** Is told of the table as nft lists it, whenever it was looked at and stands. */
  readonly seen: (listing: unknown) => void
  /** Somebody took the whole table away, and most likely the engine's rules with it; it stands again. */
  readonly flushed: (signal: AbortSignal) => Promise<void>
}

/** How often the table is looked at, in milliseconds: one short run of nft. */
const lookMilliseconds = 2000

/** What the warnings are about. */
const instance = 'fence'

/**
 * Our own table of the packet filter. It is set before a container of ours starts, and looked at again as long as this
 * process lives; what somebody changed or took away is set again. It outlives this process: only `remove` takes it away.
 */
export class Datapath {
  readonly name = 'datapath'
  readonly #options: DatapathOptions
  readonly #serial = new Serial()
  readonly #wake: Alarm
  readonly #loop: Loop
  #network: GuardedNetwork | undefined
  /** What this process has put into the kernel. */
  #set: string | undefined

  constructor(options: DatapathOptions) {
    this.#options = options
    this.#wake = new Alarm(options)
    this.#loop = loopOf(this.name, (signal) => this.#watch(signal))
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#loop.start(signal)
  }

  /** Leaves the table as it is. */
  async stop(): Promise<void> {
    await this.#loop.stop()
  }

  /**
   * Resolves when the table stands for a container that is about to start on this network, or cannot be had on this
   * machine, which is then a warning.
   * @throws ApplianceError NFT_MISSING, which one command mends; the signal's reason
   */
  async guard(network: GuardedNetwork, signal: AbortSignal): Promise<void> {
    const { warnings } = this.#options
    try {
      await this.#serial.run(() => this.#ensure(network, signal), signal)
    } catch (error) {
      if (!(error instanceof ApplianceError) || error.code !== 'FENCE_DOWN') throw error
      warnings.raise(instance, error.fault)
    }
    this.#network = network
  }

  /** A container of ours runs on this network: the table is made to stand now, and from now on. */
  follow(network: GuardedNetwork): void {
    const { subnet, bridge } = this.#network ?? {}
    if (network.subnet === subnet && network.bridge === bridge) return
    this.#network = network
    this.#wake.ring()
  }

  /** Takes the table away: no container of ours runs any more. It is not set again until the next one is about to start. */
  async remove(signal: AbortSignal): Promise<void> {
    this.#network = undefined
    this.#options.warnings.forget()
    await this.#serial.run(async () => {
      this.#set = undefined
      await removeTable(this.#options, signal)
    }, signal)
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { warnings, logger } = this.#options
    while (!signal.aborted) {
      const network = this.#network
      try {
        if (network !== undefined) await this.#serial.run(() => this.#ensure(network, signal), signal)
      } catch (error) {
        if (error instanceof ApplianceError) warnings.raise(instance, error.fault)
        else if (!signal.aborted && !isAbort(error))
          logger.warn({ err: error }, 'the look at our own table failed; it will be tried again')
      }
      await this.#wake.sleep(lookMilliseconds, signal).catch(() => {})
    }
  }

  /** @throws ApplianceError NFT_MISSING or FENCE_DOWN */
  async #ensure(network: GuardedNetwork, signal: AbortSignal): Promise<void> {
    await this.#look(network, signal)
    this.#options.warnings.clear(instance, "the fence around the controller's network stands")
  }

  async #look(network: GuardedNetwork, signal: AbortSignal): Promise<void> {
    const { nft, logger, ruleset, seen, flushed } = this.#options
    const wanted = ruleset(network)
    const text = rulesetText(wanted)
    const before = this.#set
    if (before === text) {
      const listing = await nft.list(signal)
      const lacks = listing === undefined ? [] : shortcomings(listing, wanted)
      if (listing !== undefined && lacks.length === 0) {
        // Where something else is wanted since, what was refused until now says nothing of it.
        if (rulesetText(ruleset(network)) === text) seen(listing)
        else this.#wake.ring()
        return
      }
      const what = listing === undefined ? 'took away' : `changed (${lacks.join(', ')})`
      logger.warn(`somebody ${what} the table inet omada-host of the packet filter; it is set again`)
      this.#set = undefined
      await nft.set(wanted, signal)
      this.#set = text
      if (listing === undefined) await flushed(signal)
      return
    }
    await nft.set(wanted, signal)
    this.#set = text
    logger.info({ ...network }, before === undefined ? 'the fence stands' : 'the fence was set anew')
  }
}

/** Takes our table away. That it cannot be is no reason to fail: whoever may not remove it could not set it. */
export async function removeTable({ nft, logger }: Pick<DatapathOptions, 'nft' | 'logger'>, signal: AbortSignal) {
  try {
    await nft.remove(signal)
  } catch (error) {
    signal.throwIfAborted()
    logger.info(`the table inet omada-host was not removed: ${messageOf(error)}`)
  }
}
