import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ControlPorts, ControlServer } from '../../src/ipc/control.ts'
import type { EdgeState } from '../../src/ipc/edge-state.ts'
import type { HostState } from '../../src/ipc/host-state.ts'
import { type Paths, pathsBelow } from '../../src/ipc/paths.ts'
import { StateServer } from '../../src/ipc/server.ts'
import { StateStore } from '../../src/ipc/store.ts'
import { edgeState } from '../edge/status/fixtures.ts'
import { hostState, silent, soon, temporaryDirectory } from '../ipc/fixtures.ts'

/** The sockets of a running appliance below a directory of their own, real ones, with states that the test decides. */
export interface Appliance extends AsyncDisposable {
  readonly runtimeDirectory: string
  readonly paths: Paths
  readonly host: StateStore<HostState>
  readonly edge: StateStore<EdgeState>
  stopHost(): Promise<void>
  stopEdge(): Promise<void>
}

export async function startAppliance(control?: Partial<ControlPorts>): Promise<Appliance> {
  const directory = await temporaryDirectory()
  const paths = pathsBelow(directory.path, directory.path)
  for (const socket of [paths.hostStateSocket, paths.edgeStateSocket]) await mkdir(dirname(socket))
  const host = new StateStore<HostState>({ initial: hostState() })
  const edge = new StateStore<EdgeState>({ initial: edgeState() })
  const hostServer = new StateServer({ logger: silent, path: paths.hostStateSocket, mode: 0o660, store: host })
  const edgeServer = new StateServer({ logger: silent, path: paths.edgeStateSocket, mode: 0o660, store: edge })
  const done = async () => ({ message: 'done' })
  const controlServer = new ControlServer({
    logger: silent,
    path: paths.hostControlSocket,
    verbs: { pull: done, restart: done, stop: done, start: done, reload: done },
    acknowledge: done,
    logs: async function* () {},
    ...control,
  })
  const all = [hostServer, edgeServer, controlServer]
  for (const server of all) await server.start(soon())
  return {
    runtimeDirectory: directory.path,
    paths,
    host,
    edge,
    stopHost: () => hostServer.stop(soon()),
    stopEdge: () => edgeServer.stop(soon()),
    [Symbol.asyncDispose]: async () => {
      for (const server of all) await server.stop(soon())
      await directory[Symbol.asyncDispose]()
    },
  }
}
