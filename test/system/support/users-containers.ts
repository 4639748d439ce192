import { eventually } from '../../support/eventually.ts'
import type { Outpost } from './outpost.ts'
import type { SystemdHost } from './systemd-host.ts'

/** Python from the machine's own files: an image that has nothing in common with the controller's, which is to be pulled. */
const makeImage = `
cd /
tar -c lib lib64 usr/bin/python3 usr/bin/python3.* usr/lib64 usr/lib/python3* usr/lib/*-linux-gnu | docker import - homelab
`

/** A web server on port 80 that answers with what a Python expression comes to, in bytes. */
const webServer = (answer: string) => `
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import urlopen
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answer = ${answer}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)
HTTPServer(('', 80), Handler).serve_forever()`

/** What each published port is to answer. */
const answers = { 8081: 'the website', 8082: 'by the database' } as const

/**
 * Containers that a Docker host had before the appliance came: a website on Docker's default bridge, and an app that asks
 * its database by name on a bridge of their own.
 */
export class UsersContainers {
  readonly #address: string
  readonly #neighbour: Outpost

  private constructor(options: { address: string; neighbour: Outpost }) {
    this.#address = options.address
    this.#neighbour = options.neighbour
  }

  /** @param options.address the host's on the LAN; `neighbour` is a machine there */
  static async start(host: SystemdHost, options: { address: string; neighbour: Outpost }): Promise<UsersContainers> {
    await host.machine.exec(['sh', '-euc', makeImage])
    await host.engine.run(['network', 'create', 'homenet'])
    const run = async (name: string, answer: string, ...more: string[]) => {
      const lasting = ['--detach', '--restart=always', `--name=${name}`]
      await host.engine.run(['run', ...lasting, ...more, 'homelab', 'python3', '-c', webServer(answer)])
    }
    await run('website', `b'${answers[8081]}'`, '--publish=8081:80')
    await run('database', `b'${answers[8082]}'`, '--network=homenet')
    await run('app', `urlopen('http://database/').read()`, '--network=homenet', '--publish=8082:80')
    const started = new UsersContainers(options)
    await started.reachable()
    return started
  }

  /** Asks each of them from the LAN. @throws Error when one does not answer as it should in time */
  async reachable(): Promise<void> {
    for (const [port, answer] of Object.entries(answers)) {
      const url = `http://${this.#address}:${port}/`
      await eventually(
        () => this.#neighbour.call('http', { url, deadlineMilliseconds: 5000 }),
        ({ body }) => body === answer,
        20_000,
      )
    }
  }
}
