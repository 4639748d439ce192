import { isDeepStrictEqual } from 'node:util'
import { type Clock, isoTime } from '../core/clock.ts'
import type { Reason } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { QuietLog } from '../core/quiet-log.ts'
import type { HistoryEntry } from '../core/warning-kinds.ts'
import type { Warnings } from '../core/warnings.ts'
import type { HostState, ImageCheck, Phase } from '../ipc/host-state.ts'
import { stateVersion } from '../ipc/host-state.ts'
import { StateStore } from '../ipc/store.ts'
import type { ControllerSnapshot } from './controller/snapshot.ts'
import type { RunningContainer } from './datapath/engine-rules.ts'
import type { HealthSnapshot } from './health/monitor.ts'
import type { ProbeTarget } from './health/session.ts'

export interface BookOptions {
  /** The parts that are asked what they know whenever something may have changed. */
  readonly sources: {
    readonly controller: () => ControllerSnapshot
    readonly health: () => HealthSnapshot
    readonly images: () => ImageCheck | undefined
    readonly warnings: Warnings
  }
  readonly logger: Logger
  readonly clock: Clock
  readonly version: string
}

/** How many entries the history keeps. */
export const historyLimit = 200

/**
 * The host's half of the state: what the parts know becomes one snapshot with one phase and one history. `publish` is to
 * be called after each change of a part; nobody is told when it comes to the same.
 */
export class HostBook {
  readonly state: StateStore<HostState>
  readonly #options: BookOptions
  readonly #log: QuietLog

  constructor(options: BookOptions) {
    this.#options = options
    this.#log = new QuietLog(options)
    const at = isoTime(this.#options.clock)
    this.state = new StateStore<HostState>({
      initial: {
        stateVersion,
        phase: 'creating',
        reason: { message: 'omada-host is starting' },
        since: at,
        appliance: { version: options.version, startedAt: at },
        controller: options.sources.controller().facts,
        conditions: [],
        history: options.sources.warnings.recent,
        portHolders: [],
        warnings: [],
      },
    })
  }

  /** A step that the reconciler has taken. */
  remember(step: Pick<HistoryEntry, 'subject' | 'message'>): void {
    this.addHistory({ at: isoTime(this.#options.clock), to: 'done', ...step })
  }

  addHistory(entry: HistoryEntry): void {
    this.state.update((state) => withHistory(state, entry))
  }

  /**
   * Asks every part. `since` moves and the history grows only with the phase, which is logged with its reason.
   * @param found who holds the appliance's ports, when that was looked up
   */
  publish(found: Partial<Pick<HostState, 'portHolders'>> = {}): void {
    const previous = this.state.get()
    const next = this.#assemble({ ...previous, ...found })
    if (isDeepStrictEqual(next, previous)) return
    const { phase, reason, since: at } = next
    this.#log.once('phase', `${phase}: ${reason.message}`, {
      level: phase === 'failed' || phase === 'degraded' ? 'error' : 'info',
      fields: reason.code === undefined ? {} : { code: reason.code, remedy: reason.remedy },
    })
    const changed = phase !== previous.phase
    const entry = { at, subject: 'phase', from: previous.phase, to: phase, message: reason.message }
    this.state.update(() => (changed ? withHistory(next, entry) : next))
  }

  #assemble(previous: HostState): HostState {
    const { sources } = this.#options
    const [controller, health, images] = [sources.controller(), sources.health(), sources.images()]
    const { phase, reason } = derivePhase(controller, health)
    const { version, omadacId } = health
    return {
      ...previous,
      phase,
      reason,
      since: phase === previous.phase ? previous.since : isoTime(this.#options.clock),
      controller: {
        ...controller.facts,
        ...(version === undefined ? {} : { version }),
        ...(omadacId === undefined ? {} : { omadacId }),
      },
      // Of a container that does not run nothing is measured.
      conditions: isRunning(controller) ? health.conditions : [],
      warnings: sources.warnings.list(),
      ...(images === undefined ? {} : { images }),
    }
  }
}

/**
 * The appliance's phase. Until the container runs the reconciler knows best; from then on the probes do, because a
 * container that runs is not yet a controller that works.
 */
export function derivePhase(
  controller: Pick<ControllerSnapshot, 'lifecycle' | 'reason'>,
  health: Pick<HealthSnapshot, 'ready' | 'everReady' | 'reason'>,
): { phase: Phase; reason: Reason } {
  const { lifecycle } = controller
  if (lifecycle !== 'running' && lifecycle !== 'starting') return { phase: lifecycle, reason: controller.reason }
  if (health.ready) return { phase: 'ready', reason: health.reason }
  return { phase: health.everReady ? 'degraded' : 'starting', reason: health.reason }
}

/** What the probes are to look at: the container, while it runs. */
export function probeTarget(controller: ControllerSnapshot): ProbeTarget | undefined {
  const { containerId, address } = controller.facts
  if (!isRunning(controller) || containerId === undefined) return undefined
  const { sandboxKey } = controller
  return { containerId, address, ...(sandboxKey === undefined ? {} : { sandboxKey }) }
}

/** Whose rules of the packet filter are looked after: the container, while it runs. */
export function runningContainer(controller: ControllerSnapshot, name: string): RunningContainer | undefined {
  const { containerId, startedAt } = controller.facts
  if (!isRunning(controller) || containerId === undefined) return undefined
  return { engine: controller.engine, name, run: `${containerId} ${startedAt}`, network: controller.network }
}

function isRunning({ lifecycle }: ControllerSnapshot): boolean {
  return lifecycle === 'running' || lifecycle === 'starting'
}

/** The state with one more entry, the oldest given up beyond `historyLimit`. */
function withHistory(state: HostState, entry: HistoryEntry): HostState {
  return { ...state, history: [...state.history, entry].slice(-historyLimit) }
}
