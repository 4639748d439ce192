import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../src/config/schema.ts'
import { type Intent, type Observed, planSteps, planStop } from '../../../src/host/controller/plan.ts'
import { desiredState, labels } from '../../../src/host/controller/spec.ts'
import type { EngineContainer, EngineNetwork } from '../../../src/host/engine/engine.ts'

const desired = desiredState({
  config: configSchema.parse({}),
  chosen: {},
  stopGraceSeconds: 120,
  machine: {
    kernel: '6.12.1',
    architecture: 'amd64',
    memoryMegabytes: 4096,
    timezone: 'UTC',
    cgroups: { mode: 'hybrid', unifiedControllers: [] },
  },
  engine: { kind: 'podman', memoryLimit: true, processLimit: true },
  names: { servers: [], served: false },
  version: '1',
  certificateSource: '/run/omada-host-certificate',
})
const image = { id: 'i1', architecture: 'amd64', digests: [] }
const network: EngineNetwork = {
  driver: 'bridge',
  subnet: '10.129.81.0/24',
  labels: desired.network.labels,
}
const ours: EngineContainer = {
  id: 'c1',
  status: 'running',
  imageId: 'i1',
  labels: desired.container.labels,
  startedAt: '2026-01-01T00:00:00.000Z',
  exitCode: 0,
  outOfMemory: false,
  mounts: [],
  networks: ['omada'],
}
const stale = { ...ours, labels: { ...ours.labels, [labels.spec]: 'older' } }
const outdated = { ...stale, labels: { ...stale.labels, [labels.version]: '0' } }
/** As version 0.1.0 labelled it. */
const first = { ...ours, labels: { [labels.spec]: 'older', [labels.version]: '0.1.0' } }
const rechosen = { ...outdated, labels: { ...outdated.labels, [labels.chosen]: 'others' } }
const foreign = { ...ours, labels: {} }
const everything: Observed = { image, network, container: ours }

const intent: Intent = { run: 'run', pull: 'missing', pulled: false, restartInMilliseconds: 0, replaced: false }
const steps = (observed: Partial<Observed>, wanted: Partial<Intent> = {}) =>
  planSteps(desired, { ...everything, ...observed }, { ...intent, ...wanted }).map(({ kind }) => kind)

describe('what to do', () => {
  test.each<[string, Partial<Observed>, Partial<Intent>, string[]]>([
    ['nothing is there', { image: undefined, network: undefined, container: undefined }, {}, ['pull']],
    [
      'only the image is there',
      { network: undefined, container: undefined },
      {},
      ['create-network', 'create', 'check-data', 'start'],
    ],
    ['only the container is missing', { container: undefined }, {}, ['create', 'check-data', 'start']],
    ['it runs as wanted', {}, {}, []],
    ['it runs as wanted, and the tag has moved', { image: { ...image, id: 'i2' } }, {}, []],
    ['it runs as wanted, and its image is gone', { image: undefined }, {}, []],
    ['it runs as wanted, and pulls are always', {}, { pull: 'always' }, []],
    ['it is paused', { container: { ...ours, status: 'paused' } }, {}, []],
    ['it runs, but its network is gone', { network: undefined }, {}, ['create-network']],
    ['it is ready, and not remembered', {}, { unremembered: 'abc' }, ['remember']],
    ['the same, and it is paused', { container: { ...ours, status: 'paused' } }, { unremembered: 'abc' }, []],
    [
      'it runs with an older specification',
      { container: stale },
      {},
      ['stop', 'remove', 'create', 'check-data', 'start'],
    ],
    ['the same, and the image is missing', { container: stale, image: undefined }, {}, ['pull']],
    ['it runs, and only this program is newer', { container: outdated }, {}, []],
    ['the same, and its image is another one by now', { container: outdated, image: undefined }, {}, []],
    ['the same, and its version wrote no more labels', { container: first }, {}, []],
    [
      'this program is newer, and the user chose otherwise',
      { container: rechosen },
      {},
      ['stop', 'remove', 'create', 'check-data', 'start'],
    ],
    [
      'only this program is newer, and a restart is wanted',
      { container: outdated },
      { run: 'restart' },
      ['stop', 'remove', 'create', 'check-data', 'start'],
    ],
    [
      'only this program is newer, and it was stopped',
      { container: { ...outdated, status: 'exited' } },
      {},
      ['remove', 'create', 'check-data', 'start'],
    ],
    ['it was stopped', { container: { ...ours, status: 'exited' } }, {}, ['check-data', 'start']],
    ['it was made, but never started', { container: { ...ours, status: 'created' } }, {}, ['check-data', 'start']],
    [
      'it was stopped, and pulls are always',
      { container: { ...ours, status: 'exited' } },
      { pull: 'always' },
      ['pull'],
    ],
    [
      'the same, and it was pulled',
      { container: { ...ours, status: 'exited' } },
      { pull: 'always', pulled: true },
      ['check-data', 'start'],
    ],
    [
      'it was stopped, and the tag has moved',
      { container: { ...ours, status: 'exited' }, image: { ...image, id: 'i2' } },
      {},
      ['remove', 'create', 'check-data', 'start'],
    ],
    [
      'it was stopped, and its network is gone',
      { container: { ...ours, status: 'exited' }, network: undefined },
      {},
      ['remove', 'create-network', 'create', 'check-data', 'start'],
    ],
    ['it died and has to wait', { container: { ...ours, status: 'exited' } }, { restartInMilliseconds: 500 }, ['wait']],
    ['it is on its way somewhere', { container: { ...ours, status: 'transient' } }, {}, ['wait']],
    ['a restart is wanted', {}, { run: 'restart' }, ['stop', 'check-data', 'start']],
    ['somebody else made what runs', {}, { replaced: true }, []],
    [
      'the same, and a restart is wanted',
      {},
      { replaced: true, run: 'restart' },
      ['stop', 'remove', 'create', 'check-data', 'start'],
    ],
    [
      'somebody else made it, and it does not run',
      { container: { ...ours, status: 'exited' } },
      { replaced: true },
      ['remove', 'create', 'check-data', 'start'],
    ],
    ['a restart is wanted, with a pull', {}, { run: 'restart', pull: 'always' }, ['pull']],
    [
      'a restart is wanted, and the tag has moved',
      { image: { ...image, id: 'i2' } },
      { run: 'restart' },
      ['stop', 'remove', 'create', 'check-data', 'start'],
    ],
    [
      'our network has another subnet',
      { container: undefined, network: { ...network, subnet: '10.0.0.0/24' } },
      {},
      ['remove-network', 'create-network', 'create', 'check-data', 'start'],
    ],
  ])('when %s', (_, observed, wanted, expected) => {
    expect(steps(observed, wanted)).toEqual(expected)
  })

  test('an always pull may fail where the image is there, a missing one may not', () => {
    const exited = { ...everything, container: { ...ours, status: 'exited' as const } }
    expect(planSteps(desired, exited, { ...intent, pull: 'always' })).toMatchObject([{ optional: true }])
    expect(planSteps(desired, { ...exited, image: undefined }, intent)).toMatchObject([{ optional: false }])
  })

  test('a new container is fresh, an old one is not', () => {
    expect(planSteps(desired, { ...everything, container: undefined }, intent)).toMatchObject([{}, {}, { fresh: true }])
    const exited = { ...everything, container: { ...ours, status: 'exited' as const } }
    expect(planSteps(desired, exited, intent)).toMatchObject([{}, { fresh: false, container: 'c1' }])
  })
})

describe('what is not to be done', () => {
  test('anything to a container that is not ours', () => {
    expect(() => steps({ container: foreign })).toThrow(expect.objectContaining({ code: 'CONTAINER_NAME_TAKEN' }))
    expect(planStop({ container: foreign }, true)).toEqual([])
  })

  test.each(['podman', 'docker'] as const)('the remedy is a command of the engine that is there: %s', (engine) => {
    const remedy = (text: string) => expect.objectContaining({ remedy: expect.stringContaining(text) })
    const other = { ...network, labels: {}, subnet: '10.0.0.0/24' }
    const plan = (observed: object) => planSteps({ ...desired, engine }, { ...everything, ...observed }, intent)
    expect(() => plan({ container: foreign })).toThrow(remedy(`: ${engine} rename `))
    expect(() => plan({ container: undefined, network: other })).toThrow(remedy(`: ${engine} network rm `))
  })

  test('anything to a network that is not ours and different', () => {
    const other = { ...network, labels: {}, subnet: '10.0.0.0/24' }
    expect(() => steps({ container: undefined, network: other })).toThrow(
      expect.objectContaining({ code: 'NETWORK_MISMATCH', message: expect.stringContaining('10.0.0.0/24') }),
    )
    expect(steps({ container: undefined, network: { ...network, labels: {} } })).toEqual([
      'create',
      'check-data',
      'start',
    ])
  })

  test('a pull when none is allowed', () => {
    expect(() => steps({ container: undefined, image: undefined }, { pull: 'never' })).toThrow(
      expect.objectContaining({ code: 'IMAGE_MISSING' }),
    )
  })
})

describe('a stop', () => {
  test.each<[EngineContainer['status'], string[], string[]]>([
    ['running', ['stop'], ['stop', 'remove']],
    ['paused', ['stop'], ['stop', 'remove']],
    ['transient', ['wait'], ['wait']],
    ['exited', [], ['remove']],
    ['created', [], ['remove']],
  ])('of a container that is %s, and at the end of the appliance', (status, stop, end) => {
    const observed = { container: { ...stale, status } }
    expect(planStop(observed).map(({ kind }) => kind)).toEqual(stop)
    expect(planStop(observed, true).map(({ kind }) => kind)).toEqual(end)
  })

  test('without a container is done', () => {
    expect(planStop({ container: undefined })).toEqual([])
  })
})
