import { addAbortSignal, PassThrough } from 'node:stream'
import { ApplianceError, type Fault } from '../../../src/core/errors.ts'
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
  PullUpdate,
} from '../../../src/host/engine/engine.ts'

/** What is said of an engine that is away. */
export const gone: Fault = { code: 'ENGINE_UNREACHABLE', message: 'no engine', remedy: '-' }

/** An engine in memory. `calls` is what changed something, in order. */
export class FakeEngine implements Engine {
  readonly calls: string[] = []
  images = new Map<string, EngineImage>()
  networks = new Map<string, EngineNetwork>()
  containers = new Map<string, EngineContainer>()
  specs = new Map<string, ContainerSpec>()
  log: string[] = []
  /** The time of all its lines, as far as somebody asks for those since another one. */
  logAt = Number.POSITIVE_INFINITY
  /** What is in every container, by its path. */
  files = new Map<string, string>()
  /** How a container ends that is stopped. */
  end: Pick<EngineContainer, 'exitCode' | 'outOfMemory'> = { exitCode: 143, outOfMemory: false }
  /** What the registry has. */
  registry = new Map<string, EngineImage>()
  facts: EngineInfo = {
    kind: 'podman',
    version: '4.3.1',
    socket: '/run/podman/podman.sock',
    defaultRuntime: 'runc',
    storageDirectory: '/var/lib/containers',
    cgroupVersion: '1',
    memoryLimit: true,
    cpuLimit: true,
    processLimit: true,
  }
  /** While set, every call fails with it. */
  away: Fault | undefined
  /** Faults that the next pulls fail with. */
  pullFaults: Fault[] = []
  /** While set, a pull or a stop waits for it. */
  pullGate: Promise<void> | undefined
  stopGate: Promise<void> | undefined
  startFault: Fault | undefined
  putFault: Fault | undefined
  #ids = 0
  readonly #followers = new Set<PassThrough>()

  constructor(reference: string) {
    this.registry.set(reference, { id: 'image-1', architecture: 'amd64', digests: ['sha256:1'] })
  }

  /** The one container, with what changed. */
  change(name: string, change: Partial<EngineContainer>): void {
    const container = this.containers.get(name)
    if (container !== undefined) this.containers.set(name, { ...container, ...change })
  }

  /** The container's end by itself. */
  die(name: string, exitCode: number, log: string[] = []): void {
    this.log = log
    this.change(name, { status: 'exited', exitCode })
    this.tell({ type: 'container', action: 'die', name })
  }

  tell(event: EngineEvent): void {
    for (const follower of this.#followers) follower.write(event)
  }

  /** The connections over which events are followed end; what happens until the next is told to nobody. */
  loseEvents(): void {
    for (const follower of this.#followers) follower.destroy(new ApplianceError(gone))
  }

  get followed(): boolean {
    return this.#followers.size > 0
  }

  async info(signal: AbortSignal): Promise<EngineInfo> {
    return await this.#answer(signal, this.facts)
  }

  async image(reference: string, signal: AbortSignal): Promise<EngineImage | undefined> {
    const byId = [...this.images.values()].find(({ id }) => id === reference)
    return await this.#answer(signal, this.images.get(reference) ?? byId)
  }

  async pull(
    reference: string,
    options: { signal: AbortSignal; onProgress: (update: PullUpdate) => void },
  ): Promise<void> {
    await this.#answer(options.signal, undefined)
    this.calls.push('pull')
    options.onProgress({ current: 5, total: 10, layers: [{ id: 'l', current: 5, total: 10, done: false }] })
    await this.#gate(this.pullGate, options.signal)
    const fault = this.pullFaults.shift()
    if (fault !== undefined) throw new ApplianceError(fault)
    const image = this.registry.get(reference)
    if (image === undefined) throw new ApplianceError({ code: 'IMAGE_NOT_FOUND', message: 'no such tag', remedy: '-' })
    this.images.set(reference, image)
  }

  async network(name: string, signal: AbortSignal): Promise<EngineNetwork | undefined> {
    return await this.#answer(signal, this.networks.get(name))
  }

  async volumeDirectory(name: string, signal: AbortSignal): Promise<string | undefined> {
    return await this.#answer(signal, `/volumes/${name}`)
  }

  async createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    await this.#change('create-network', signal)
    this.networks.set(spec.name, { driver: 'bridge', subnet: spec.subnet, labels: spec.labels })
  }

  async removeNetwork(name: string, signal: AbortSignal): Promise<void> {
    await this.#change('remove-network', signal)
    this.networks.delete(name)
  }

  async container(name: string, signal: AbortSignal): Promise<EngineContainer | undefined> {
    return await this.#answer(signal, this.containers.get(name))
  }

  async createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<string> {
    await this.#change('create', signal)
    this.#ids += 1
    const id = `container-${this.#ids}`
    this.specs.set(spec.name, spec)
    this.containers.set(spec.name, {
      id,
      status: 'created',
      imageId: this.images.get(spec.image)?.id ?? '',
      labels: spec.labels,
      exitCode: 0,
      outOfMemory: false,
      mounts: spec.mounts.map(({ source, target }) => ({ source: `/volumes/${source}`, target })),
      networks: [spec.network],
    })
    return id
  }

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('start', signal)
    if (this.startFault !== undefined) throw new ApplianceError(this.startFault)
    const startedAt = new Date(this.calls.length * 1000).toISOString()
    this.change(this.#nameOf(id), { status: 'running', startedAt, sandboxKey: '/run/netns/x' })
  }

  async unpause(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('unpause', signal)
    this.change(this.#nameOf(id), { status: 'running' })
  }

  async stop(id: string, graceSeconds: number, signal: AbortSignal): Promise<void> {
    await this.#change(`stop ${graceSeconds}`, signal)
    await this.#gate(this.stopGate, signal)
    await this.#answer(signal, undefined)
    this.change(this.#nameOf(id), { status: 'exited', ...this.end })
  }

  async kill(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('kill', signal)
    for (const [name, container] of this.containers) {
      if (container.id === id) this.change(name, { status: 'exited', exitCode: 137 })
    }
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#change('remove', signal)
    this.containers.delete(this.#nameOf(id))
  }

  async file(
    _id: string,
    path: string,
    { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
  ): Promise<ContainerFile | undefined> {
    const text = await this.#answer(signal, this.files.get(path))
    const content = text === undefined ? undefined : Buffer.from(text)
    return content && { size: content.length, content: content.subarray(0, maxBytes) }
  }

  async putFile(_id: string, { directory, name, content }: NewFile, signal: AbortSignal): Promise<void> {
    await this.#answer(signal, undefined)
    if (this.putFault !== undefined) throw new ApplianceError(this.putFault)
    this.files.set(`${directory}/${name}`, content)
  }

  async *logs(_id: string, options: { signal: AbortSignal; since?: Date }): AsyncGenerator<string> {
    await this.#answer(options.signal, undefined)
    if ((options.since?.getTime() ?? 0) <= this.logAt) yield* this.log
  }

  async events(signal: AbortSignal): Promise<AsyncIterable<EngineEvent>> {
    await this.#answer(signal, undefined)
    const follower = addAbortSignal(signal, new PassThrough({ objectMode: true }))
    this.#followers.add(follower)
    follower.once('close', () => this.#followers.delete(follower))
    return follower
  }

  #nameOf(id: string): string {
    return [...this.containers].find(([name, container]) => container.id === id || name === id)?.[0] ?? ''
  }

  async #change(call: string, signal: AbortSignal): Promise<void> {
    await this.#answer(signal, undefined)
    this.calls.push(call)
  }

  async #answer<T>(signal: AbortSignal, value: T): Promise<T> {
    signal.throwIfAborted()
    if (this.away !== undefined) throw new ApplianceError(this.away)
    await Promise.resolve()
    return value
  }

  async #gate(gate: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
    if (gate === undefined) return
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    await Promise.race([gate, aborted])
  }
}
