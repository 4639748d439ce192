import type { Clock } from '../../core/clock.ts'
import type { Loop } from '../../core/component.ts'
import { ApplianceError, type Fault, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { periodic } from '../../core/periodic.ts'
import { runProgram } from '../../core/run-program.ts'
import { Serial } from '../../core/serial.ts'
import type { WarningSource } from '../../core/warnings.ts'
import type { EngineKind } from '../engine/engine.ts'
import { containerToolVariables } from '../engine/environment.ts'
import type { GuardedNetwork } from './fence.ts'
import type { Nft } from './nft.ts'

/** Podman takes some tenths of a second a container, and waits for whoever else holds its lock. */
const reloadSeconds = 60
/** How often the engine's rules are looked for, in milliseconds: nft lists the rules of the whole machine. */
const lookMilliseconds = 5000
/** How long it is told that somebody emptied the packet filter, in milliseconds. */
const toldMilliseconds = 3_600_000

/** Our container, while it runs. */
export interface RunningContainer {
  readonly engine: EngineKind
  readonly name: string
  /** Another one after each start: the engine sets its rules anew then. */
  readonly run: string
  readonly network: GuardedNetwork
}

export interface EngineRulesOptions {
  readonly logger: Logger
  readonly clock: Clock
  readonly warnings: WarningSource
  readonly nft: Pick<Nft, 'everything'>
  readonly container: () => RunningContainer | undefined
  /** `restoreByReload` but for tests. */
  readonly restore: (container: RunningContainer, signal: AbortSignal) => Promise<boolean>
}

/** Sets the engine's own rules for our container again when somebody took them away, where the engine can, and tells it. */
export interface EngineRules extends Loop {
  /** Somebody emptied the packet filter. */
  lost(signal: AbortSignal): Promise<void>
}

/**
 * Looks for the tables of the packet filter in which the engine, or firewalld for it, has rules for our container's network.
 * That such a table has none any more is somebody's doing when it is still so at the next look: the rules go with the
 * container, too, and then it is gone by that time.
 */
export function engineRules(options: EngineRulesOptions): EngineRules {
  const { logger, warnings, nft, container, restore } = options
  const serial = new Serial()
  let known: { readonly run: string; readonly tables: ReadonlySet<string> } | undefined
  let missed = false

  const tables = async (network: GuardedNetwork, signal: AbortSignal) =>
    tablesFor(await nft.everything(signal), network)

  const mend = async (of: RunningContainer, signal: AbortSignal) => {
    const restored = await restore(of, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      logger.warn(`the engine's own rules were not set again: ${messageOf(error)}`)
      return false
    })
    warnings.happened(flushedFault(of, restored), toldMilliseconds)
    known = { run: of.run, tables: await tables(of.network, signal) }
    missed = false
  }

  const look = async (signal: AbortSignal) => {
    const of = container()
    if (of === undefined) return
    const now = await tables(of.network, signal)
    const before = known?.run === of.run ? known.tables : new Set<string>()
    const gone = [...before].filter((table) => !now.has(table))
    if (gone.length === 0) {
      known = { run: of.run, tables: now }
      missed = false
    } else if (missed && container()?.run === of.run) {
      logger.warn(`the rules for the container's network are gone from ${gone.join(', ')}`)
      await mend(of, signal)
    } else missed = true
  }
  return {
    ...periodic({
      ...{ ...options, name: 'engine-rules', intervalMilliseconds: lookMilliseconds },
      work: async (signal) => {
        await serial
          .run(() => look(signal), signal)
          .catch((error: unknown) => {
            // That nft cannot be run is told by who looks after our own table.
            if (!(error instanceof ApplianceError)) throw error
          })
      },
    }),
    lost: async (signal) => {
      const of = container()
      if (of !== undefined) await serial.run(() => mend(of, signal), signal)
    },
  }
}

/** Tables in which rules for a container's network are an engine's: netavark's, those of iptables(8), Docker's, firewalld's. */
const enginesTables = /^(?:inet netavark|ip (?:nat|filter|mangle|raw|docker-bridges)|inet firewalld)$/

/**
 * The tables of engines that have a rule for this network: by its addresses, or by its bridge. Pure.
 * @param listing what `nft list ruleset` says
 */
export function tablesFor(listing: string, { subnet, bridge }: GuardedNetwork): ReadonlySet<string> {
  const found = new Set<string>()
  let table = ''
  for (const line of listing.split('\n')) {
    const opened = /^table (\S+ \S+) \{/.exec(line)?.[1]
    if (opened !== undefined) table = opened
    else if (enginesTables.test(table) && (line.includes(` ${subnet}`) || line.includes(`"${bridge}"`)))
      found.add(table)
  }
  return found
}

/**
 * Has Podman set its rules for our container again. Connections live on (seen with Podman 5.4: 20 of 20). By Podman's
 * program, as its API has nothing for it; a service may not write where Podman keeps its state, so there as a transient unit.
 * @param confined this process is such a service
 * @returns whether it did: Docker has nothing for it but its own restart
 * @throws ProgramError, or the signal's reason
 */
export async function restoreByReload(
  { engine, name }: Pick<RunningContainer, 'engine' | 'name'>,
  signal: AbortSignal,
  confined: boolean,
): Promise<boolean> {
  if (engine !== 'podman') return false
  const reload = ['podman', 'network', 'reload', name] as const
  const unit = ['--unit=omada-host-network-reload', `--property=RuntimeMaxSec=${reloadSeconds}`] as const
  await runProgram(confined ? ['systemd-run', '--quiet', '--wait', '--collect', ...unit, '--', ...reload] : reload, {
    deadlineMilliseconds: reloadSeconds * 1000,
    signal,
    inherit: containerToolVariables,
  })
  return true
}

/** What a user is to know of it. @param restored whether the engine's own rules are back */
export function flushedFault({ engine, name }: Pick<RunningContainer, 'engine' | 'name'>, restored: boolean): Fault {
  const what =
    "somebody emptied this machine's packet filter or a part of it, as nft flush ruleset, iptables -F, " +
    'firewall-cmd --reload and a restart of nftables.service do'
  if (restored) {
    return {
      code: 'FILTER_FLUSHED',
      message: `${what}; what the controller needs was set again, Podman's own rules for it, too`,
      remedy: 'nothing for the controller; for other containers with published ports: podman network reload --all',
    }
  }
  const [who, remedy] =
    engine === 'podman'
      ? [
          'Podman',
          `podman network reload ${name}; for all containers with published ports: podman network reload --all`,
        ]
      : ['Docker', 'systemctl restart docker, which stops all containers unless "live-restore" is on']
  return {
    code: 'FILTER_FLUSHED',
    message: `${what}; the fence and the way out of the controller's network stand again, ${who}'s own rules do not`,
    remedy,
  }
}
