import type { HostConfig } from '../../config/schema.ts'
import { parseIpv4Network } from '../../core/cidr.ts'
import { ApplianceError, type Fault } from '../../core/errors.ts'
import type { Route } from '../../network/routes.ts'
import type { ContainerSpec } from '../engine/engine.ts'
import { readDatabaseLock } from './data-facts.ts'
import { missingDirectory } from './data-place.ts'
import { checkData, remember } from './data-steps.ts'
import type { Step } from './plan.ts'
import { otherNetwork } from './preflight.ts'
import { type ApplianceRecord, emptyRecord } from './record.ts'
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
    execute: async ({ spec }, { engine, machine }, signal) => {
      await engine
        .createNetwork(spec, signal)
        .catch(async (error: unknown) => failNetwork(error, spec.subnet, await machine.routes()))
      return 'created the network'
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
    execute: async ({ spec }, { engine, config, state, dispatch, remember: note }, signal) => {
      const record = state().record ?? emptyRecord
      const made = engine.createContainer(spec, signal)
      const id = await made.catch((error: unknown) => failCreate(error, spec, config, record))
      dispatch({ kind: 'made', id })
      await note((before) => ({ ...before, container: { id, version: spec.labels[labels.version] ?? '' } }))
      return 'created the container'
    },
  },
  'check-data': {
    doing: 'looking at the data',
    stage: 'creating',
    execute: checkData,
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
  const options = { id, name, graceSeconds, kind, processRuns, signal, onRetry: context.alive }
  const ended = await stopWithGrace({ ...context, ...options })
  dispatch({ kind: 'stopped' })
  if (ended === undefined) return 'stopped the controller; its container was removed meanwhile'
  const lock =
    config.mongo.uri !== undefined ? 'none' : await readDatabaseLock(engine, id, signal).catch(() => 'unknown' as const)
  const { message, killed } = judgeStop(ended, lock, { graceSeconds, clock })
  if (killed !== undefined) {
    logger.error({ code: 'CONTROLLER_KILLED', remedy: killed.remedy }, killed.message)
    await context.remember((record) => ({ ...record, killed }))
  }
  return message
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

/** What netavark says on Podman 5 when something listens on port 53 of every address, as Pi-hole does by default. */
const nameServerBlocked = /aardvark-dns failed|udp listener on \S+:53\b/i

function says(error: unknown, words: RegExp): error is ApplianceError {
  return error instanceof ApplianceError && words.test(error.message)
}

/** The engine's error told by what it means; its own words come after that. */
function meaning(error: ApplianceError, fault: Fault): ApplianceError {
  return new ApplianceError({ ...fault, message: `${fault.message}: ${error.message}` }, { cause: error })
}

/** What both engines say of a directory to mount that is not there. */
const noDirectory = /no such file or directory|bind source path does not exist/i

/** @throws the engine's error of a container that was not made, or that a directory of the configuration is not there */
function failCreate(
  error: unknown,
  { mounts }: ContainerSpec,
  { controller }: HostConfig,
  record: ApplianceRecord,
): never {
  if (!says(error, noDirectory)) throw error
  const keys = ['dataVolume', 'logsVolume'] as const
  const key = keys.find((name) => {
    const path = controller[name]
    return (
      path?.startsWith('/') === true && error.message.includes(path) && mounts.some(({ source }) => source === path)
    )
  })
  if (key === undefined) throw error
  throw new ApplianceError(missingDirectory(`controller.${key}`, controller[key] ?? '', record), { cause: error })
}

/** @throws the engine's error of a network that was not created, or that its subnet is taken */
function failNetwork(error: unknown, subnet: string, routes: readonly Route[]): never {
  if (!says(error, /subnet .*already (?:used|in use)|pool overlaps/i)) throw error
  throw meaning(error, {
    code: 'SUBNET_CLASH',
    message: `network.subnet ${subnet} is taken`,
    remedy: otherNetwork([...routes, parseIpv4Network(subnet) ?? []].flat()),
  })
}

/** @throws the engine's error of a network that was not removed, or that others are on it */
function failRemoval(error: unknown, name: string, engine: string): never {
  if (!(error instanceof ApplianceError) || error.code !== 'ENGINE_REQUEST') throw error
  throw meaning(error, {
    code: 'NETWORK_MISMATCH',
    message: `the network ${name} has another subnet than network.subnet, and cannot be made anew`,
    remedy: `take the other containers off it (${engine} network inspect ${name}), or set network.name to another name`,
  })
}

/** @throws the engine's error of a container that did not start, or that its port 53 or its address is taken */
function failStart(error: unknown): never {
  if (says(error, nameServerBlocked)) {
    throw meaning(error, {
      code: 'PORT_IN_USE',
      message: "Podman's name server for the container's network cannot have port 53 of the bridge",
      remedy:
        "take other containers off the network and remove it (podman network rm), it is then made without; or let this machine's own DNS server listen on its own addresses only (dnsmasq, Pi-hole: bind-interfaces; AdGuard Home: dns.bind_hosts)",
    })
  }
  if (!says(error, /ip address .*already allocated|Address already in use/i)) throw error
  throw meaning(error, {
    code: 'NETWORK_MISMATCH',
    message: 'network.controllerAddress is held by another container',
    remedy: 'remove that container from the network, or set network.controllerAddress to another address',
  })
}
