import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Child } from '../../support/child.ts'
import { command } from '../../support/command.ts'
import { exclusively } from '../../support/exclusively.ts'
import type { Ledger } from '../../support/ledger.ts'
import type { Namespace } from '../../support/namespace.ts'
import { standinImage, standinImageStore, type standinTags } from './images.ts'
import type { Outpost } from './outpost.ts'
import { Podman } from './podman.ts'

/** A plain-HTTP image registry on 127.0.0.1:5000 of one namespace. Its images stay over stop and start. */
export class Registry {
  static readonly address = '127.0.0.1:5000'
  /** Where stand-in images are in it: that of the real ones in docker.io, so that it can be a mirror of that. */
  static readonly repository = 'mbentley/omada-controller'
  readonly #ledger: Ledger
  readonly #namespace: Namespace
  readonly #outpost: Outpost
  readonly #directory: string
  readonly #configuration: string
  #child: Child | undefined

  constructor(ledger: Ledger, options: { namespace: Namespace; outpost: Outpost; directory: string }) {
    this.#ledger = ledger
    this.#namespace = options.namespace
    this.#outpost = options.outpost
    mkdirSync(options.directory, { recursive: true })
    this.#directory = options.directory
    this.#configuration = join(options.directory, 'registry.yaml')
    writeFileSync(
      this.#configuration,
      JSON.stringify({
        version: 0.1,
        storage: { filesystem: { rootdirectory: join(options.directory, 'blobs') } },
        http: { addr: Registry.address },
      }),
    )
  }

  /** Returns when it answers. */
  async start(): Promise<void> {
    this.#child = await Child.start(this.#ledger, {
      what: 'docker-registry',
      argv: this.#namespace.enter(['docker-registry', 'serve', this.#configuration]),
      graceMilliseconds: 2000,
    })
    const end = performance.now() + 20_000
    for (;;) {
      const answered = await this.#outpost.json(`http://${Registry.address}/v2/`).then(
        () => true,
        () => false,
      )
      if (answered) return
      if (performance.now() > end || !this.#child.running) throw new Error(`no registry\n${this.#child.tail()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /**
   * Puts a stand-in image into the registry. What a push writes is kept beside the image store: later ones, and those that
   * waited for it, copy it.
   * @returns the name to pull it by
   */
  async push(tag: (typeof standinTags)[number]): Promise<string> {
    const name = `${Registry.address}/${Registry.repository}:${tag}`
    const store = await standinImageStore()
    const shelf = dirname(store)
    await exclusively(shelf, () => this.#put(tag, { name, store, kept: join(shelf, `pushed-${tag}`) }))
    return name
  }

  async #put(tag: string, { name, store, kept }: { name: string; store: string; kept: string }): Promise<void> {
    const blobs = join(this.#directory, 'blobs')
    if (existsSync(kept)) {
      await command(['cp', '--archive', '--no-target-directory', kept, blobs])
      return
    }
    const directory = join(this.#directory, 'push')
    const podman = Podman.make(this.#ledger, { namespace: this.#namespace, directory, imageStores: [store] })
    const before = existsSync(blobs)
    await podman.run(['push', '--tls-verify=false', `${standinImage}:${tag}`, name])
    // Only what this push wrote.
    if (!before) {
      const copy = join(this.#directory, 'kept')
      await command(['cp', '--archive', blobs, copy])
      await command(['mv', '--no-target-directory', copy, kept])
    }
  }

  async stop(): Promise<void> {
    await this.#child?.stop('SIGTERM', 10_000)
    this.#child = undefined
  }
}
