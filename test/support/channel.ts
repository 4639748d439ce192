import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { keyNeeds } from '../../src/config/keys.ts'
import { configSchema } from '../../src/config/schema.ts'
import { Emitter } from '../../src/core/emitter.ts'
import { createLogger } from '../../src/core/logger.ts'
import { channelVersion, type EdgePart, edgeSettings } from '../../src/ipc/channel.ts'
import { StateServer } from '../../src/ipc/server.ts'

/** This program's version in tests. */
export const version = '1.0.0'

/** What a host would tell its edge of a configuration. */
export function edgePart(config: object = {}, more: Partial<EdgePart> = {}): EdgePart {
  const settings = edgeSettings(configSchema.parse(config))
  return { stateVersion: channelVersion(version), config: settings, needs: keyNeeds, ...more }
}

/** A host as its edge sees it: it says what the test decides. */
export class FakeHost {
  readonly #server: StateServer<EdgePart>
  readonly #changed = new Emitter<void>()
  #part: EdgePart

  private constructor(path: string, part: EdgePart) {
    this.#part = part
    this.#server = new StateServer({
      ...{ logger: createLogger({ level: 'silent', format: 'json', write: () => {} }), path, mode: 0o660 },
      store: { get: () => this.#part, changed: this.#changed },
      timing: { coalesceMilliseconds: 10, heartbeatMilliseconds: 15_000 },
    })
  }

  static async start(path: string, part: EdgePart): Promise<FakeHost> {
    const host = new FakeHost(path, part)
    await mkdir(dirname(path), { recursive: true })
    await host.#server.start(AbortSignal.timeout(10_000))
    return host
  }

  say(part: EdgePart): void {
    this.#part = part
    this.#changed.emit()
  }

  async stop(): Promise<void> {
    await this.#server.stop(AbortSignal.timeout(10_000))
  }
}
