import type Dockerode from 'dockerode'
import { raceAbort } from '../../core/deadline.ts'
import { ApplianceError } from '../../core/errors.ts'
import { type Connection, connect, getJson, postJson, request } from './connection.ts'
import { containerOptions, libpodNetworkOptions, networkOptions } from './create-options.ts'
import type {
  ContainerSpec,
  Engine,
  EngineContainer,
  EngineEvent,
  EngineImage,
  EngineInfo,
  EngineNetwork,
  NetworkSpec,
  PullUpdate,
} from './engine.ts'
import { engineError, engineMessage, engineTimeout, isAbsent, statusOf } from './errors.ts'
import { engineContainer, engineImage, engineInfo, engineNetwork, engineReference, type RawInfo } from './facts.ts'
import { followPull, pullFault } from './pull.ts'
import { chunksOf, demultiplex, eventsOf } from './streams.ts'

/** Deadlines of calls. A slow SD card is slow, not dead. */
const deadlineMilliseconds = { look: 30_000, change: 120_000, beyondGrace: 30_000, silentPull: 600_000 } as const

/** Podman or Docker by Docker's API. Finds its socket at the first call, and again after the connection was lost. */
export class DockerEngine implements Engine {
  readonly #sockets: readonly string[]
  #connection: Connection | undefined

  constructor(options: { sockets: readonly string[] }) {
    this.#sockets = options.sockets
  }

  async info(signal: AbortSignal): Promise<EngineInfo> {
    return await this.#call(
      'ask the engine about itself',
      deadlineMilliseconds.look,
      signal,
      async (docker, own, { version, socket }) =>
        engineInfo(version, await getJson<RawInfo>(docker, '/info', own), socket),
    )
  }

  async image(reference: string, signal: AbortSignal): Promise<EngineImage | undefined> {
    return await this.#look(`look for the image ${reference}`, signal, async (docker, own) =>
      engineImage(await getJson(docker, `/images/${engineReference(reference)}/json`, own)),
    )
  }

  async pull(
    reference: string,
    options: { signal: AbortSignal; onProgress: (update: PullUpdate) => void },
  ): Promise<void> {
    const { socket, kind } = await this.#connect(options.signal)
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), deadlineMilliseconds.silentPull)
    const abortSignal = AbortSignal.any([options.signal, silence.signal])
    try {
      const fromImage = engineReference(reference)
      const stream = await raceAbort(
        request(socket, (docker) => docker.createImage({ fromImage, abortSignal })),
        abortSignal,
      )
      await followPull(chunksOf(stream, abortSignal), reference, options.onProgress, () => timer.refresh(), kind)
    } catch (error) {
      options.signal.throwIfAborted()
      if (silence.signal.aborted) throw engineTimeout(`pull ${reference}`, socket, deadlineMilliseconds.silentPull)
      // Docker refuses an unknown tag by status, before the stream.
      if (statusOf(error) !== undefined) throw new ApplianceError(pullFault(engineMessage(error), reference, kind))
      throw this.#failed(error, `pull ${reference}`, socket)
    } finally {
      clearTimeout(timer)
    }
  }

  async network(name: string, signal: AbortSignal): Promise<EngineNetwork | undefined> {
    return await this.#look(`look at the network ${name}`, signal, async (docker, own) =>
      engineNetwork(await getJson(docker, `/networks/${name}`, own)),
    )
  }

  /** Whether it has a volume of this name. */
  async hasVolume(name: string, signal: AbortSignal): Promise<boolean> {
    const what = `look for the volume ${name}`
    const volume = await this.#look(what, signal, (docker, own) => getJson(docker, `/volumes/${name}`, own))
    return volume !== undefined
  }

  async createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    const { kind } = await this.#connect(signal)
    await this.#change(`create the network ${spec.name} (${spec.subnet})`, signal, async (docker, abortSignal) => {
      if (kind === 'docker') await docker.createNetwork({ ...networkOptions(spec), abortSignal })
      else await postJson(docker, '/v4.0.0/libpod/networks/create', libpodNetworkOptions(spec), abortSignal)
    })
  }

  async removeNetwork(name: string, signal: AbortSignal): Promise<void> {
    await this.#change(`remove the network ${name}`, signal, async (docker, abortSignal) => {
      await docker.getNetwork(name).remove({ abortSignal })
    })
  }

  async container(name: string, signal: AbortSignal): Promise<EngineContainer | undefined> {
    return await this.#look(`look at the container ${name}`, signal, async (docker, abortSignal) =>
      engineContainer(await docker.getContainer(name).inspect({ abortSignal })),
    )
  }

  async createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<string> {
    const { kind } = await this.#connect(signal)
    return await this.#change(`create the container ${spec.name}`, signal, async (docker, abortSignal) => {
      const options = { ...containerOptions(spec, kind), Image: engineReference(spec.image), abortSignal }
      return (await docker.createContainer(options)).id
    })
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('start the container', signal, async (docker, abortSignal) => {
      await docker.getContainer(id).start({ abortSignal })
    })
  }

  async unpause(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('unpause the container', signal, (docker, abortSignal) =>
      docker.getContainer(id).unpause({ abortSignal }),
    )
  }

  async stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const deadline = graceSeconds * 1000 + deadlineMilliseconds.beyondGrace
    await this.#call('stop the container', deadline, signal, async (docker, abortSignal) => {
      await docker
        .getContainer(id)
        .stop({ t: Math.ceil(graceSeconds), abortSignal })
        .catch((error: unknown) => {
          // 304: it had stopped already.
          if (statusOf(error) !== 304) throw error
        })
    })
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('remove the container', signal, async (docker, abortSignal) => {
      const options = { abortSignal, force: false, v: false }
      await docker.getContainer(id).remove(options)
    })
  }

  async *logs(
    id: string,
    options: { follow: boolean; tail: number | 'all'; signal: AbortSignal; since?: Date },
  ): AsyncGenerator<string> {
    const { signal, since } = options
    const query = {
      stdout: true,
      stderr: true,
      ...(options.tail === 'all' ? {} : { tail: options.tail }),
      ...(since === undefined ? {} : { since: Math.floor(since.getTime() / 1000) }),
      abortSignal: signal,
    }
    const open = (docker: Dockerode) => docker.getContainer(id).logs({ ...query, follow: true })
    const read = (docker: Dockerode) => docker.getContainer(id).logs({ ...query, follow: false })
    const what = "read the container's log"
    if (!options.follow) {
      const all = await this.#call(what, deadlineMilliseconds.look, signal, read)
      yield* demultiplex(oneChunk(Buffer.isBuffer(all) ? all : Buffer.alloc(0)))
      return
    }
    const stream = await this.#call(what, deadlineMilliseconds.look, signal, open)
    yield* this.#guarded(demultiplex(chunksOf(stream, signal)), what, signal)
  }

  async events(signal: AbortSignal): Promise<AsyncIterable<EngineEvent>> {
    const what = "follow the engine's events"
    const filters = { type: ['container' as const, 'network' as const] }
    const open = (docker: Dockerode) => docker.getEvents({ filters, abortSignal: signal })
    const stream = await this.#call(what, deadlineMilliseconds.look, signal, open)
    return this.#guarded(eventsOf(chunksOf(stream, signal)), what, signal)
  }

  async *#guarded<T>(items: AsyncIterable<T>, what: string, signal: AbortSignal): AsyncGenerator<T> {
    try {
      yield* items
    } catch (error) {
      signal.throwIfAborted()
      throw this.#failed(error, what, this.#connection?.socket ?? this.#sockets.join(', '))
    }
  }

  /** A look that answers undefined to 404. */
  async #look<T>(
    what: string,
    signal: AbortSignal,
    work: (docker: Dockerode, signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    return await this.#call(what, deadlineMilliseconds.look, signal, async (docker, own) => {
      try {
        return await work(docker, own)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    })
  }

  async #change<T>(
    what: string,
    signal: AbortSignal,
    work: (docker: Dockerode, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return await this.#call(what, deadlineMilliseconds.change, signal, work)
  }

  async #call<T>(
    what: string,
    milliseconds: number,
    signal: AbortSignal,
    work: (docker: Dockerode, signal: AbortSignal, connection: Connection) => Promise<T>,
  ): Promise<T> {
    const deadline = AbortSignal.timeout(milliseconds)
    const own = AbortSignal.any([signal, deadline])
    const connection = await this.#connect(signal)
    try {
      const answer = request(connection.socket, (docker) => work(docker, own, connection))
      return await raceAbort(answer, own)
    } catch (error) {
      signal.throwIfAborted()
      if (deadline.aborted) throw engineTimeout(what, connection.socket, milliseconds)
      throw this.#failed(error, what, connection.socket)
    }
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted()
    this.#connection ??= await connect(this.#sockets, signal)
    return this.#connection
  }

  /** The error to throw; a lost connection is forgotten, so that the next call looks for the engine anew. */
  #failed(error: unknown, what: string, socket: string): Error {
    const failure = engineError(error, what, socket, this.#connection?.kind)
    if (failure instanceof ApplianceError && failure.code === 'ENGINE_UNREACHABLE') this.#connection = undefined
    return failure
  }
}

async function* oneChunk(chunk: Buffer): AsyncGenerator<Buffer> {
  yield chunk
}
