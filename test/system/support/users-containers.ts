import { setTimeout as delay } from 'node:timers/promises'
import type { Outpost } from './outpost.ts'
import { Registry } from './registry.ts'
import type { SystemdHost } from './systemd-host.ts'

const image = `docker.io/${Registry.repository}:6.2`

/** Answers on port 80 with what `answer` (an expression) comes to, and ends at once when it is told to. */
const program = (answer: string) =>
  `process.on('SIGTERM', () => process.exit()); require('http').createServer(async (_, out) => out.end(${answer})).listen(80)`

/** What each published port is to answer. The app asks the database by its name, on the bridge that they share. */
const answers = { 8081: 'the website', 8082: 'by the database' } as const

/** Containers that a Docker host had before the appliance came, with ports published to the LAN. */
export class UsersContainers {
  readonly #options: { readonly address: string; readonly neighbour: Outpost }

  private constructor(options: { address: string; neighbour: Outpost }) {
    this.#options = options
  }

  /** @param options.address the host's on the LAN; `neighbour` is a machine there */
  static async start(host: SystemdHost, options: { address: string; neighbour: Outpost }): Promise<UsersContainers> {
    const docker = (...args: string[]) => host.engine.run(args)
    // An image that shares no layer with the controller's, which is to be pulled still.
    const source = await docker('create', image)
    await host.machine.exec(['sh', '-euc', 'docker export "$1" | docker import - homelab', 'sh', source])
    await docker('rm', '--volumes', source)
    await docker('rmi', image)
    await docker('network', 'create', 'homenet')
    const run = (name: string, options: string[], answer: string) =>
      docker(
        'run',
        '--detach',
        '--restart=always',
        `--name=${name}`,
        ...options,
        'homelab',
        '/opt/standin/node',
        '-e',
        program(answer),
      )
    await run('website', ['--publish=8081:80'], `'${answers[8081]}'`)
    await run('database', ['--network=homenet'], `'${answers[8082]}'`)
    await run('app', ['--network=homenet', '--publish=8082:80'], `await (await fetch('http://database/')).text()`)
    const started = new UsersContainers(options)
    await started.reachable()
    return started
  }

  /** Asks each of them once, from the LAN. @throws Error when one does not answer as it should within `milliseconds` */
  async reachable(milliseconds = 20_000): Promise<void> {
    const end = performance.now() + milliseconds
    for (const [port, answer] of Object.entries(answers)) {
      const url = `http://${this.#options.address}:${port}/`
      for (;;) {
        const got = await this.#options.neighbour
          .call('http', { url, deadlineMilliseconds: 2000 })
          .catch((error: unknown) => String(error))
        if (typeof got !== 'string' && got.body === answer) break
        if (performance.now() > end) throw new Error(`${url} answers ${JSON.stringify(got)}, not ${answer}`)
        await delay(100)
      }
    }
  }
}
