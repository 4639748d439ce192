import type { Clock } from '../../core/clock.ts'
import { ApplianceError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineKind } from '../engine/engine.ts'
import type { Step } from './plan.ts'
import { labels } from './spec.ts'
import type { ControllerEvent, Stage } from './state.ts'
import { asAddressTaken, asNetworkInUse, asSubnetClash, isNameServerBlocked } from './step-faults.ts'
import { stopWithGrace } from './stop.ts'

/** What is carried out. A `wait` is not: the pass ends with it, and the next one begins after it. */
export type ActiveStep = Exclude<Step, { readonly kind: 'wait' }>

/** What steps are carried out with. */
export interface StepContext {
  readonly engine: Engine
  readonly engineKind: EngineKind
  /** The container's name, and its network's. */
  readonly name: string
  readonly network: string
  readonly logger: Logger
  readonly clock: Clock
  readonly graceSeconds: number
  readonly onRetry: () => void
  /** Pulls with progress; turns are taken with the user's own pulls. */
  pull(reference: string, options: { attempts: number; signal: AbortSignal }): Promise<unknown>
}

/** What came of a step: how the record changes, and what was done in its place when the plan has to be made anew. */
export interface Outcome {
  readonly events?: readonly ControllerEvent[]
  readonly instead?: string
}

/** All that there is to say of one kind of step. */
interface StepKind<S extends ActiveStep> {
  /** For people: what it is doing, and what it has done. */
  readonly doing: string
  readonly done: string
  /** What the controller is said to be meanwhile, unless it is being stopped. */
  readonly stage: Stage
  /** A request of the user may cut it short: what it leaves behind does no harm. */
  readonly interruptible: boolean
  /** A controller that runs goes on running beside it, and is said to. */
  readonly beside: boolean
  /** @throws what the engine's call throws, or the signal's reason */
  readonly execute: (step: S, context: StepContext, signal: AbortSignal) => Promise<Outcome>
}

const inTheWay = { interruptible: false, beside: false } as const

/** Every kind of step there is. A new one is an entry here, and a place in the plan. */
const stepKinds: { readonly [Kind in ActiveStep['kind']]: StepKind<Extract<ActiveStep, { kind: Kind }>> } = {
  pull: {
    doing: 'pulling the image',
    done: 'pulled the image',
    stage: 'pulling',
    interruptible: true,
    beside: true,
    execute: async (step, context, signal) => {
      try {
        await context.pull(step.image, { attempts: step.optional ? 1 : Number.POSITIVE_INFINITY, signal })
      } catch (error) {
        const offline = error instanceof ApplianceError && error.code === 'REGISTRY_UNREACHABLE'
        if (!step.optional || !offline) throw error
        context.logger.warn({ code: error.code }, `${error.message}; going on with the image at hand`)
      }
      return { events: [{ kind: 'pulled' }] }
    },
  },
  'create-network': {
    ...inTheWay,
    doing: 'creating the network',
    done: 'created the network',
    stage: 'creating',
    execute: async (step, { engine }, signal) => {
      try {
        await engine.createNetwork(step.spec, signal)
      } catch (error) {
        throw asSubnetClash(error, step.spec.subnet)
      }
      return {}
    },
  },
  'remove-network': {
    ...inTheWay,
    doing: 'removing the network with the old subnet',
    done: 'removed the network with the old subnet',
    stage: 'creating',
    execute: async (step, { engine, engineKind }, signal) => {
      try {
        await engine.removeNetwork(step.name, signal)
      } catch (error) {
        throw asNetworkInUse(error, step.name, engineKind)
      }
      return {}
    },
  },
  create: {
    ...inTheWay,
    doing: 'creating the container',
    done: 'created the container',
    stage: 'creating',
    execute: async (step, { engine }, signal) => {
      await engine.createContainer(step.spec, signal)
      return {}
    },
  },
  start: {
    ...inTheWay,
    doing: 'starting the container',
    done: 'started the container',
    stage: 'creating',
    execute: start,
  },
  stop: {
    ...inTheWay,
    doing: 'stopping the controller; its database is being closed',
    done: 'stopped the controller',
    stage: 'stopping',
    execute: async (step, context, signal) => {
      await stopWithGrace({ ...context, id: step.id, signal })
      return { events: [{ kind: 'stopped' }] }
    },
  },
  remove: {
    ...inTheWay,
    doing: 'removing the old container',
    done: 'removed the old container; its volumes are kept',
    stage: 'creating',
    execute: async (step, { engine }, signal) => {
      await engine.remove(step.id, signal)
      return {}
    },
  },
}

/** The entry of a step, with the step put in. */
export function stepKindOf(step: ActiveStep): Omit<StepKind<ActiveStep>, 'execute'> & {
  readonly execute: (context: StepContext, signal: AbortSignal) => Promise<Outcome>
} {
  const kind = stepKinds[step.kind] as StepKind<ActiveStep>
  return { ...kind, execute: (context, signal) => kind.execute(step, context, signal) }
}

async function start(
  step: Extract<Step, { kind: 'start' }>,
  { engine, logger, clock, name, network }: StepContext,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    await engine.start(step.container, signal)
  } catch (error) {
    // Made with what does not work, such as another OCI runtime: nothing has run in it, so make it anew next time.
    const refused = error instanceof ApplianceError && /^ENGINE_(?:RUNTIME|REQUEST)$/.test(error.code)
    if (refused && step.fresh) {
      await engine.remove(step.container, signal).catch((removal: unknown) => {
        logger.debug({ err: removal }, 'the container that did not start was not removed')
      })
    }
    if (isNameServerBlocked(error) && (await removeNetworkOfOurs(engine, network, step, signal))) {
      return {
        events: [{ kind: 'name-server-blocked' }],
        instead:
          'removed the network: Podman cannot have port 53 of its bridge for a name server; it is made without one',
      }
    }
    throw asAddressTaken(error)
  }
  const id = (await engine.container(name, signal))?.id
  return { events: [{ kind: 'started', id, at: clock.now() }] }
}

/**
 * Removes our network, and the container that did not start in it, so that both are made anew.
 * @returns whether it did: a network that is not ours, or that others are on, stays
 */
async function removeNetworkOfOurs(
  engine: Engine,
  name: string,
  step: { readonly container: string; readonly fresh: boolean },
  signal: AbortSignal,
): Promise<boolean> {
  const network = await engine.network(name, signal)
  if (network?.labels[labels.version] === undefined) return false
  try {
    if (!step.fresh) await engine.remove(step.container, signal)
    await engine.removeNetwork(name, signal)
    return true
  } catch {
    signal.throwIfAborted()
    return false
  }
}
