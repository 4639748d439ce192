import type Dockerode from 'dockerode'
import { raceAbort } from '../../core/deadline.ts'
import { ApplianceError } from '../../core/errors.ts'
import { archiveOf, firstFile } from './archive.ts'
import { askJson, type Connection, connect, request } from './connection.ts'
import { containerOptions, libpodNetworkOptions, networkOptions } from './create-options.ts'
import type {
  ContainerFile,
  ContainerSpec,
  Engine,
  EngineContainer,
  EngineEvent,
  EngineImage,
  EngineInfo,
  EngineNetwork,
  NetworkSpec,
  NewFile,
  PullOptions,
} from './engine.ts'
import { engineError, engineMessage, engineTimeout, isAbsent, statusOf } from './errors.ts'
import {
  engineContainer,
  engineImage,
  engineInfo,
  engineNetwork,
  engineReference,
  libpodNetwork,
  type RawInfo,
  type RawLibpodNetwork,
} from './facts.ts'
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
      signal,
      async (docker, own, { version, socket }) =>
        engineInfo(version, await askJson<RawInfo>(docker, '/info', own), socket),
      deadlineMilliseconds.look,
    )
  }

  async image(reference: string, signal: AbortSignal): Promise<EngineImage | undefined> {
    const path = `/images/${engineReference(reference)}/json`
    const image = await this.#look<Dockerode.ImageInspectInfo>(`look for the image ${reference}`, path, signal)
    return image && engineImage(image)
  }

  async pull(reference: string, options: PullOptions): Promise<void> {
    const { socket, kind } = await this.#connect(options.signal)
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), deadlineMilliseconds.silentPull)
    const abortSignal = AbortSignal.any([options.signal, silence.signal])
    try {
      const fromImage = engineReference(reference)
      const auth = options.login === undefined ? {} : { authconfig: options.login }
      const stream = await raceAbort(
        request(socket, (docker) => docker.createImage({ fromImage, abortSignal, ...auth })),
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
    const what = `look at the network ${name}`
    if ((await this.#connect(signal)).kind === 'podman') {
      const network = await this.#look<RawLibpodNetwork>(what, `/v4.0.0/libpod/networks/${name}/json`, signal)
      return network && libpodNetwork(network)
    }
    const network = await this.#look<Dockerode.NetworkInspectInfo>(what, `/networks/${name}`, signal)
    return network && engineNetwork(network)
  }

  async volumeDirectory(name: string, signal: AbortSignal): Promise<string | undefined> {
    const path = `/volumes/${name}`
    return (await this.#look<Dockerode.VolumeInspectInfo>(`look for the volume ${name}`, path, signal))?.Mountpoint
  }

  async createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    const what = `create the network ${spec.name} (${spec.subnet})`
    await this.#call(what, signal, async (docker, abortSignal, { kind }) => {
      if (kind === 'docker') await docker.createNetwork({ ...networkOptions(spec), abortSignal })
      else await askJson(docker, '/v4.0.0/libpod/networks/create', abortSignal, libpodNetworkOptions(spec))
    })
  }

  async removeNetwork(name: string, signal: AbortSignal): Promise<void> {
    await this.#call(`remove the network ${name}`, signal, (docker, abortSignal) =>
      docker.getNetwork(name).remove({ abortSignal }),
    )
  }

  async container(name: string, signal: AbortSignal): Promise<EngineContainer | undefined> {
    const path = `/containers/${name}/json`
    const container = await this.#look<Dockerode.ContainerInspectInfo>(`look at the container ${name}`, path, signal)
    return container && engineContainer(container)
  }

  async createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<string> {
    return await this.#call(`create the container ${spec.name}`, signal, async (docker, abortSignal, { kind }) => {
      const options = { ...containerOptions(spec, kind), Image: engineReference(spec.image), abortSignal }
      return (await docker.createContainer(options)).id
    })
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('start the container', signal, (docker, abortSignal) =>
      docker.getContainer(id).start({ abortSignal }),
    )
  }

  async unpause(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('unpause the container', signal, (docker, abortSignal) =>
      docker.getContainer(id).unpause({ abortSignal }),
    )
  }

  async stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const work = async (docker: Dockerode, abortSignal: AbortSignal) => {
      try {
        await docker.getContainer(id).stop({ t: Math.ceil(graceSeconds), abortSignal })
      } catch (error) {
        // 304: it had stopped already.
        if (statusOf(error) !== 304) throw error
      }
    }
    await this.#call('stop the container', signal, work, graceSeconds * 1000 + deadlineMilliseconds.beyondGrace)
  }

  async kill(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('kill the container', signal, (docker, abortSignal) =>
      docker.getContainer(id).kill({ signal: 'SIGKILL', abortSignal }),
    )
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('remove the container', signal, (docker, abortSignal) => {
      const options = { abortSignal, force: false, v: false }
      return docker.getContainer(id).remove(options)
    })
  }

  async file(
    id: string,
    path: string,
    { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
  ): Promise<ContainerFile | undefined> {
    const what = `read ${path} of the container`
    const open = async (docker: Dockerode, abortSignal: AbortSignal) => {
      try {
        return await docker.getContainer(id).getArchive({ path, abortSignal })
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    }
    const stream = await this.#call(what, signal, open, deadlineMilliseconds.look)
    if (stream === undefined) return undefined
    try {
      return await firstFile(chunksOf(stream, signal), maxBytes)
    } catch (error) {
      signal.throwIfAborted()
      throw this.#failed(error, what, this.#connection?.socket ?? this.#sockets.join(', '))
    }
  }

  async putFile(id: string, file: NewFile, signal: AbortSignal): Promise<void> {
    await this.#call(`write ${file.name} into the container`, signal, async (docker, abortSignal) => {
      await docker.getContainer(id).putArchive(archiveOf(file), { path: file.directory, abortSignal })
    })
  }

  async *logs(
    id: string,
    options: { follow: boolean; tail: number | 'all'; signal: AbortSignal; since?: Date },
  ): AsyncGenerator<string> {
    const { follow, tail, signal, since } = options
    const query = {
      stdout: true,
      stderr: true,
      ...(tail === 'all' ? {} : { tail }),
      ...(since === undefined ? {} : { since: Math.floor(since.getTime() / 1000) }),
      abortSignal: signal,
    }
    const what = "read the container's log"
    if (follow) {
      const open = (docker: Dockerode) => docker.getContainer(id).logs({ ...query, follow })
      const stream = await this.#call(what, signal, open, deadlineMilliseconds.look)
      yield* this.#guarded(demultiplex(chunksOf(stream, signal)), what, signal)
    } else {
      const read = (docker: Dockerode) => docker.getContainer(id).logs({ ...query, follow })
      yield* demultiplex([await this.#call(what, signal, read, deadlineMilliseconds.look)])
    }
  }

  async events(signal: AbortSignal): Promise<AsyncIterable<EngineEvent>> {
    const what = "follow the engine's events"
    const filters = { type: ['container' as const, 'network' as const] }
    const open = (docker: Dockerode) => docker.getEvents({ filters, abortSignal: signal })
    const stream = await this.#call(what, signal, open, deadlineMilliseconds.look)
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

  /** What `GET path` answers; undefined when there is no such thing. */
  async #look<T extends object>(what: string, path: string, signal: AbortSignal): Promise<T | undefined> {
    const work = async (docker: Dockerode, own: AbortSignal) => {
      try {
        return await askJson<T>(docker, path, own)
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
    }
    return await this.#call(what, signal, work, deadlineMilliseconds.look)
  }

  async #call<T>(
    what: string,
    signal: AbortSignal,
    work: (docker: Dockerode, signal: AbortSignal, connection: Connection) => Promise<T>,
    milliseconds: number = deadlineMilliseconds.change,
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
  #failed(error: unknown, what: string, socket: string): ApplianceError {
    const failure = engineError(error, what, socket, this.#connection?.kind)
    if (failure.code === 'ENGINE_UNREACHABLE') this.#connection = undefined
    return failure
  }
}
