import type { HostConfig } from '../../config/schema.ts'
import type { Logger } from '../../core/logger.ts'
import { connect, defaultSockets } from './connection.ts'
import { DockerEngine } from './docker-engine.ts'
import type { Engine } from './engine.ts'

/** The container engine of `config`, connected. Later losses of the connection heal by themselves at the next call. */
export async function connectEngine(options: {
  config: HostConfig
  logger: Logger
  signal: AbortSignal
}): Promise<Engine> {
  const engine = await chooseEngine(options.config, options)
  const info = await engine.info(options.signal)
  options.logger.info(
    { version: info.version, socket: info.socket, runtime: info.defaultRuntime },
    `container engine: ${info.kind}`,
  )
  return engine
}

/**
 * The engine of `engine.socket`, or the first of `sockets` that answers, unless another one that does has the controller's
 * container or its data: Podman installed beside Docker would otherwise begin an empty controller. It stays with that
 * socket.
 * @throws ApplianceError ENGINE_PERMISSION or ENGINE_UNREACHABLE; the signal's reason when that aborts
 */
export async function chooseEngine(
  config: HostConfig,
  options: { signal: AbortSignal; sockets?: readonly string[] },
): Promise<DockerEngine> {
  const { signal, sockets = defaultSockets } = options
  const { socket } = config.engine
  if (socket !== undefined) return new DockerEngine({ sockets: [socket] })
  const found = await connect(sockets, signal)
  const first = new DockerEngine({ sockets: [found.socket] })
  if (await hasController(first, config, signal)) return first
  for (const path of sockets.slice(sockets.indexOf(found.socket) + 1)) {
    const other = new DockerEngine({ sockets: [path] })
    const has = await hasController(other, config, signal).catch(() => false)
    signal.throwIfAborted()
    if (has) return other
  }
  return first
}

async function hasController(engine: DockerEngine, { controller }: HostConfig, signal: AbortSignal): Promise<boolean> {
  if ((await engine.container(controller.name, signal)) !== undefined) return true
  const { dataVolume } = controller
  return !dataVolume.startsWith('/') && (await engine.volumeDirectory(dataVolume, signal)) !== undefined
}
