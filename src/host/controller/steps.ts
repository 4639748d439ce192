import { ApplianceError } from '../../core/errors.ts'
import { embeddedDatabasePort } from '../../omada/ports.ts'
import type { EngineContainer } from '../engine/engine.ts'
import { readDatabaseLock } from './data-facts.ts'
import { checkData, remember } from './data-steps.ts'
import {
  addressHolder,
  failCreate,
  failNetwork,
  failRemoval,
  failStart,
  failStorage,
  isStorageDamaged,
  nameServerBlocked,
  says,
} from './engine-refusals.ts'
import { lookAfter } from './lingering.ts'
import type { Step } from './plan.ts'
import { emptyRecord } from './record.ts'
import { containerNetwork } from './snapshot.ts'
import { labels } from './spec.ts'
import { engineKind, type Stage } from './state.ts'
import type { StepContext } from './step-context.ts'
import { stopWithGrace } from './stop.ts'
import { judgeStop } from './stop-outcome.ts'

/** What is carried out. A `wait` is not: the pass ends with it, and the next one begins after it. */
export type ActiveStep = Exclude<Step, { readonly kind: 'wait' }>

type StepOf<Kind extends ActiveStep['kind']> = Extract<ActiveStep, { kind: Kind }>

/** All that there is to say of one kind of step. */
interface StepKind<S extends ActiveStep> {
  /** What it is doing, for people. */
  readonly doing: string
  /** What the controller is said to be meanwhile, unless it is being stopped. */
  readonly stage: Stage
  /** A request of the user may cut it short: what it leaves behind does no harm. */
  readonly interruptible?: true
  /** A controller that runs goes on running beside it, and is said to. */
  readonly beside?: true
  /**
   * Tells the record what came of it, and resolves to what it has done, for people; undefined for what needs no word.
   * @throws what the engine's call throws, or what that means, or the signal's reason
   */
  readonly execute: (step: S, context: StepContext, signal: AbortSignal) => Promise<string | undefined>
}

/** Every kind of step there is. A new one is an entry here, and a place in the plan. */
const stepKinds: { readonly [Kind in ActiveStep['kind']]: StepKind<StepOf<Kind>> } = {
  pull: {
    doing: 'pulling the image',
    stage: 'pulling',
    interruptible: true,
    beside: true,
    execute: async ({ image, optional }, { engine, puller, logger, dispatch }, signal) => {
      try {
        await puller.pull(engine, image, { attempts: optional ? 1 : Number.POSITIVE_INFINITY, signal })
      } catch (error) {
        const offline = error instanceof ApplianceError && error.code.startsWith('REGISTRY_')
        if (!optional || !offline) throw error
        logger.warn({ code: error.code }, `${error.message}; going on with the image at hand`)
      }
      dispatch({ kind: 'pulled' })
      return 'pulled the image'
    },
  },
  'create-network': {
    doing: 'creating the network',
    stage: 'creating',
    execute: async ({ spec }, { engine, machine, defaults }, signal) => {
      await engine
        .createNetwork(spec, signal)
        .catch(async (error: unknown) => failNetwork(error, spec.subnet, await machine.routes()))
      return defaults.because !== undefined && spec.subnet === defaults.subnet
        ? `created the network ${spec.subnet}: ${defaults.because}`
        : 'created the network'
    },
  },
  'remove-network': {
    doing: 'removing the network with the old subnet',
    stage: 'creating',
    execute: async ({ name }, { engine, state }, signal) => {
      await engine.removeNetwork(name, signal).catch((error: unknown) => failRemoval(error, name, engineKind(state())))
      return 'removed the network with the old subnet'
    },
  },
  create: {
    doing: 'creating the container',
    stage: 'creating',
    execute: async ({ spec }, { engine, config, defaults, state, dispatch, remember: note }, signal) => {
      const record = state().record ?? emptyRecord
      const made = engine.createContainer(spec, signal)
      const id = await made.catch((error: unknown) =>
        failCreate(error, spec, config, { record, engine: engineKind(state()) }),
      )
      dispatch({ kind: 'made', id })
      const container = { id, version: spec.labels[labels.version] ?? '' }
      await note((before) => ({ ...before, defaults: before.defaults ?? defaults, container }))
      return 'created the container'
    },
  },
  'check-data': {
    doing: 'looking at the data',
    stage: 'creating',
    // It is the first to mount the container's files.
    execute: (step, context, signal) =>
      checkData(step, context, signal).catch((error: unknown) => orDamaged(error, step, context, signal)),
  },
  remember: {
    doing: 'noting which controller is in which place',
    stage: 'up',
    beside: true,
    execute: remember,
  },
  start: {
    doing: 'starting the container',
    stage: 'creating',
    execute: start,
  },
  stop: {
    doing: 'stopping the controller; its database is being closed',
    stage: 'stopping',
    execute: stop,
  },
  remove: {
    doing: 'removing the old container',
    stage: 'creating',
    execute: async ({ id }, context, signal) => {
      await removeContainer(id, context, signal)
      return 'removed the old container; its volumes are kept'
    },
  },
}

/** The entry of a step, which takes that step. */
export function stepKindOf(step: ActiveStep): StepKind<ActiveStep> {
  return stepKinds[step.kind] as StepKind<ActiveStep>
}

async function removeContainer(id: string, { engine, dispatch }: StepContext, signal: AbortSignal): Promise<void> {
  await engine.remove(id, signal)
  dispatch({ kind: 'unmade' })
}

async function start(step: StepOf<'start'>, context: StepContext, signal: AbortSignal): Promise<string> {
  const { engine, logger, clock, config, dispatch, guard } = context
  await guard(containerNetwork(config, await engine.network(config.network.name, signal)), signal)
  try {
    await engine.start(step.container, signal)
  } catch (error) {
    // Made with what does not work, such as another OCI runtime: nothing has run in it, so make it anew next time.
    if (isStorageDamaged(error)) await orDamaged(error, step, context, signal)
    const refused = error instanceof ApplianceError && /^ENGINE_(?:RUNTIME|REQUEST)$/.test(error.code)
    if (refused && step.fresh) {
      await removeContainer(step.container, context, signal).catch((removal: unknown) => {
        logger.debug({ err: removal }, 'the container that did not start was not removed')
      })
    }
    if (says(error, nameServerBlocked) && (await removeNetworkOfOurs(step, context, signal))) {
      dispatch({ kind: 'name-server-blocked' })
      return 'removed the network: Podman cannot have port 53 of its bridge for a name server; it is made without one'
    }
    const holder = addressHolder(error)
    const isGone = holder !== undefined && (await engine.container(holder, signal)) === undefined
    if (isGone && (await removeNetworkOfOurs(step, context, signal))) {
      return "removed the network: it held the controller's address for a container that is gone; it is made anew"
    }
    failStart(error)
  }
  const id = (await engine.container(config.controller.name, signal))?.id
  dispatch({ kind: 'started', id, at: clock.now() })
  return 'started the container'
}

async function stop({ id }: StepOf<'stop'>, context: StepContext, signal: AbortSignal): Promise<string> {
  const { engine, clock, config, logger, state, dispatch } = context
  const { name } = config.controller
  const graceSeconds = context.live().controller.stopGraceSeconds
  const kind = engineKind(state())
  const { processRuns } = context.machine
  const linger = config.mongo.uri === undefined ? lingeringEnd(context) : undefined
  const options = { id, name, graceSeconds, kind, processRuns, signal, onRetry: context.alive, linger }
  const { container: ended, lingered } = await stopWithGrace({ ...context, ...options })
  dispatch({ kind: 'stopped' })
  if (ended === undefined) return 'stopped the controller; its container was removed meanwhile'
  const lock =
    config.mongo.uri !== undefined ? 'none' : await readDatabaseLock(engine, id, signal).catch(() => 'unknown' as const)
  const { message, killed } = judgeStop(ended, lock, { graceSeconds, clock, lingered })
  if (killed !== undefined) {
    logger.error({ code: 'CONTROLLER_KILLED', remedy: killed.remedy }, killed.message)
    await context.remember((record) => ({ ...record, killed }))
  }
  return message
}

/** Ends a controller that goes on after its own database was closed. One elsewhere says nothing of this one's end. */
function lingeringEnd({ engine, clock, machine }: StepContext) {
  return ({ id, pid }: EngineContainer, signal: AbortSignal) =>
    lookAfter({
      clock,
      signal,
      databaseListens: async () =>
        pid === undefined ? undefined : await machine.listensIn(pid, embeddedDatabasePort, signal),
      databaseClosed: async () => (await readDatabaseLock(engine, id, signal)) === 'closed',
      kill: () => engine.kill(id, signal),
    })
}

/**
 * A container whose files are damaged is removed, as its volumes are not in it: made anew it works, unless its image's are.
 * @throws ApplianceError ENGINE_STORAGE for such an error, else the error itself
 */
async function orDamaged(
  error: unknown,
  step: { readonly container: string },
  context: StepContext,
  signal: AbortSignal,
): Promise<never> {
  if (!isStorageDamaged(error)) throw error
  await removeContainer(step.container, context, signal).catch((removal: unknown) => {
    context.logger.debug({ err: removal }, 'the container that is damaged was not removed')
  })
  failStorage(error, context.config.controller.image, engineKind(context.state()))
}

/**
 * Removes our network, and the container that did not start in it, so that both are made anew.
 * @returns whether it did: a network that is not ours, or that others are on, stays
 */
async function removeNetworkOfOurs(step: StepOf<'start'>, context: StepContext, signal: AbortSignal): Promise<boolean> {
  const { engine } = context
  const { name } = context.config.network
  const network = await engine.network(name, signal)
  if (network?.labels[labels.version] === undefined) return false
  try {
    if (!step.fresh) await removeContainer(step.container, context, signal)
    await engine.removeNetwork(name, signal)
    return true
  } catch {
    signal.throwIfAborted()
    return false
  }
}
