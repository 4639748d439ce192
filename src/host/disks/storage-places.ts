import { dirname } from 'node:path'
import type { HostConfig } from '../../config/schema.ts'
import type { Paths } from '../../ipc/paths.ts'
import { dataDirectory, logsDirectory } from '../../omada/image-contract.ts'
import { type EngineContainer, mountSource } from '../engine/engine.ts'

/** A directory whose file system must not become full. Megabytes are 2^20 bytes. */
export interface Place {
  readonly path: string
  /** For people. */
  readonly holds: string
  /** Less free space than this is a warning. */
  readonly lowMegabytes: number
  /** Less than this, and writing may fail already. */
  readonly fullMegabytes: number
  /** Whether the controller's database is there. */
  readonly data: boolean
}

/**
 * MongoDB lays its journal out in files of 100 MB in advance (WiredTiger's log of MongoDB's manual, "Journaling"), and a
 * backup by the controller is as large again as what it holds.
 */
const controllers = { lowMegabytes: 1024, fullMegabytes: 128 } as const

/** Sockets, a configuration, a certificate: kilobytes. */
const ours = { lowMegabytes: 4, fullMegabytes: 1, data: false } as const

/** Where the engine and our container write, as far as it is known. */
export interface ControllerStorage {
  readonly engineDirectory?: string
  readonly mounts?: EngineContainer['mounts']
}

/** Where the engine keeps what the controller writes, as far as it is known; the data first. */
export function controllerPlaces(config: HostConfig, { engineDirectory, mounts }: ControllerStorage): readonly Place[] {
  const { dataVolume, logsVolume } = config.controller
  const data = config.mongo.uri === undefined
  return [
    { path: mountSource(mounts, dataDirectory, dataVolume), holds: "the controller's data", data },
    { path: mountSource(mounts, logsDirectory, logsVolume), holds: "the controller's logs", data: false },
    { path: engineDirectory, holds: 'images and containers', data: false },
  ].flatMap(({ path, ...place }) => (path === undefined ? [] : [{ ...place, ...controllers, path }]))
}

/** Where the appliance's own two processes write. */
export function ownPlaces(paths: Paths): readonly Place[] {
  return [
    { ...ours, path: dirname(paths.hostStateSocket), holds: 'sockets, and what the edge is told by the host' },
    { ...ours, path: dirname(paths.hostRecordFile), holds: 'which controller was in which place' },
    { ...ours, path: paths.edgeStateDirectory, holds: "the waiting room's certificate" },
  ]
}
