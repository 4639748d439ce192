import type { Clock } from '../../core/clock.ts'
import { ApplianceError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Engine, EngineKind } from '../engine/engine.ts'
import type { Step } from './plan.ts'
import { labels } from './spec.ts'
import { stopWithGrace } from './stop.ts'

/** What steps are carried out with. */
export interface ExecutionContext {
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
  pull(reference: string, options: { attempts: number; signal: AbortSignal }): Promise<void>
}

type Executors = {
  readonly [Kind in Step['kind']]: (
    step: Extract<Step, { kind: Kind }>,
    context: ExecutionContext,
    signal: AbortSignal,
  ) => Promise<string | undefined>
}

const executors: Executors = {
  pull: async (step, context, signal) => {
    try {
      await context.pull(step.image, { attempts: step.optional ? 1 : Number.POSITIVE_INFINITY, signal })
    } catch (error) {
      const offline = error instanceof ApplianceError && error.code === 'REGISTRY_UNREACHABLE'
      if (!step.optional || !offline) throw error
      context.logger.warn({ code: error.code }, `${error.message}; going on with the image at hand`)
    }
  },
  'create-network': async (step, { engine }, signal) => {
    try {
      await engine.createNetwork(step.spec, signal)
    } catch (error) {
      throw asSubnetClash(error, step.spec.subnet)
    }
  },
  'remove-network': async (step, { engine, engineKind }, signal) => {
    try {
      await engine.removeNetwork(step.name, signal)
    } catch (error) {
      throw asNetworkInUse(error, step.name, engineKind)
    }
  },
  create: async (step, { engine }, signal) => {
    await engine.createContainer(step.spec, signal)
  },
  start: async (step, { engine, logger, network }, signal) => {
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
        return 'removed the network: Podman cannot have port 53 of its bridge for a name server; it is made without one'
      }
      throw asAddressTaken(error)
    }
  },
  stop: async (step, context, signal) => {
    await stopWithGrace({ ...context, id: step.id, signal })
  },
  remove: async (step, { engine }, signal) => {
    await engine.remove(step.id, signal)
  },
  wait: async (step, { clock }, signal) => {
    await clock.sleep(step.milliseconds, signal)
  },
}

/**
 * Carries out one step.
 * @returns what was done instead, when the plan has to be made anew
 * @throws what the engine's call throws, or the signal's reason
 */
export async function execute(step: Step, context: ExecutionContext, signal: AbortSignal): Promise<string | undefined> {
  const executor = executors[step.kind] as (
    step: Step,
    context: ExecutionContext,
    signal: AbortSignal,
  ) => Promise<string | undefined>
  return await executor(step, context, signal)
}

function asSubnetClash(error: unknown, subnet: string): unknown {
  const clash = error instanceof ApplianceError && /subnet .*already (?:used|in use)|pool overlaps/i.test(error.message)
  if (!clash) return error
  return new ApplianceError(
    {
      code: 'SUBNET_CLASH',
      message: `network.subnet ${subnet} is taken: ${error.message}`,
      remedy: 'set network.subnet and network.controllerAddress to a network that nothing else uses',
    },
    { cause: error },
  )
}

/** What netavark says on Podman 5 when something listens on port 53 of every address, as Pi-hole does by default. */
const nameServerBlocked = /aardvark-dns failed|udp listener on \S+:53\b/i

function isNameServerBlocked(error: unknown): error is ApplianceError {
  return error instanceof ApplianceError && nameServerBlocked.test(error.message)
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

function asAddressTaken(error: unknown): unknown {
  if (isNameServerBlocked(error)) {
    return new ApplianceError(
      {
        code: 'PORT_IN_USE',
        message: `Podman's name server for the container's network cannot have port 53 of the bridge: ${error.message}`,
        remedy:
          "take other containers off the network and remove it (podman network rm), it is then made without; or let this machine's own DNS server listen on its own addresses only (dnsmasq, Pi-hole: bind-interfaces; AdGuard Home: dns.bind_hosts)",
      },
      { cause: error },
    )
  }
  const taken =
    error instanceof ApplianceError && /ip address .*already allocated|Address already in use/i.test(error.message)
  if (!taken) return error
  return new ApplianceError(
    {
      code: 'NETWORK_MISMATCH',
      message: `network.controllerAddress is held by another container: ${error.message}`,
      remedy: 'remove that container from the network, or set network.controllerAddress to another address',
    },
    { cause: error },
  )
}

function asNetworkInUse(error: unknown, name: string, kind: EngineKind): unknown {
  if (!(error instanceof ApplianceError) || error.code !== 'ENGINE_REQUEST') return error
  return new ApplianceError(
    {
      code: 'NETWORK_MISMATCH',
      message: `the network ${name} has another subnet than network.subnet, and cannot be made anew: ${error.message}`,
      remedy: `take the other containers off it (${kind} network inspect ${name}), or set network.name to another name`,
    },
    { cause: error },
  )
}
