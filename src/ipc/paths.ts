import { join } from 'node:path'

/** Where the two processes meet and keep their own things. */
export interface Paths {
  /** The host's half of the state: read-only, mode 0660. */
  readonly hostStateSocket: string
  /** The user's verbs: mode 0600. */
  readonly hostControlSocket: string
  /** The same for the edge alone, next to the channel: other readers cannot take its place. */
  readonly hostStateForEdgeSocket: string
  /** What is in force, from the host for its edge: in a directory that nobody else may enter, for there is a private key in it. */
  readonly channelSocket: string
  /** The host's copies of the user's certificate and key, which the container has at /cert: root's alone. */
  readonly certificateDirectory: string
  /** What the host remembers over restarts, and outside of the controller's data: which controller it had, and where. */
  readonly hostRecordFile: string
  /** The edge's half of the state: mode 0660. */
  readonly edgeStateSocket: string
  /** By which the edge asks itself whether it lives: mode 0600, where no other user can take a place. */
  readonly edgeSelfSocket: string
  /** What the edge heard last by the channel: mode 0600. */
  readonly edgeKeptFile: string
  /** What the edge keeps over restarts, owned by its unprivileged user. */
  readonly edgeStateDirectory: string
}

export const defaultRuntimeDirectory = '/run'
export const defaultStateDirectory = '/var/lib'

/** The places below a runtime directory (default /run) and a state directory (default /var/lib). */
export function pathsBelow(runtimeDirectory: string, stateDirectory: string): Paths {
  return {
    hostStateSocket: join(runtimeDirectory, 'omada-host', 'state.sock'),
    hostControlSocket: join(runtimeDirectory, 'omada-host', 'control.sock'),
    hostStateForEdgeSocket: join(runtimeDirectory, 'omada-host-channel', 'state.sock'),
    channelSocket: join(runtimeDirectory, 'omada-host-channel', 'channel.sock'),
    certificateDirectory: join(runtimeDirectory, 'omada-host-certificate'),
    hostRecordFile: join(stateDirectory, 'omada-host', 'release.json'),
    edgeStateSocket: join(runtimeDirectory, 'omada-host-edge', 'state.sock'),
    edgeSelfSocket: join(runtimeDirectory, 'omada-host-edge-kept', 'self.sock'),
    edgeKeptFile: join(runtimeDirectory, 'omada-host-edge-kept', 'in-force.json'),
    edgeStateDirectory: join(stateDirectory, 'omada-host-edge'),
  }
}
