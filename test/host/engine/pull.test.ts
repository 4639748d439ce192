import { describe, expect, test } from 'vitest'
import type { PullUpdate } from '../../../src/host/engine/engine.ts'
import { followPull, PullProgressTracker, pullFault } from '../../../src/host/engine/pull.ts'

async function* answer(...lines: (object | string)[]): AsyncGenerator<Buffer> {
  for (const line of lines) yield Buffer.from(`${typeof line === 'string' ? line : JSON.stringify(line)}\r\n`)
}

async function follow(...lines: (object | string)[]): Promise<PullUpdate[]> {
  const updates: PullUpdate[] = []
  await followPull(
    answer(...lines),
    'image:1',
    (update) => updates.push(update),
    () => {},
  )
  return updates
}

describe('progress', () => {
  test('is told per layer and in total', async () => {
    const updates = await follow(
      { status: 'Pulling from mbentley/omada-controller', id: '6.2' },
      { status: 'Pulling fs layer', id: 'a', progressDetail: {} },
      { status: 'Downloading', id: 'a', progressDetail: { current: 30, total: 100 } },
      { status: 'Downloading', id: 'b', progressDetail: { current: 5, total: 50 } },
      { status: 'Download complete', id: 'a', progressDetail: {} },
      { status: 'Extracting', id: 'a', progressDetail: { current: 10, total: 100 } },
      { status: 'Already exists', id: 'c' },
    )
    expect(updates[1]).toEqual({ current: 30, total: 100, layers: [{ id: 'a', current: 30, total: 100, done: false }] })
    expect(updates[2]).toMatchObject({ current: 35, total: 150 })
    expect(updates.at(-1)).toEqual({
      current: 105,
      total: 150,
      layers: [
        { id: 'a', current: 100, total: 100, done: true },
        { id: 'b', current: 5, total: 50, done: false },
        { id: 'c', current: 0, total: 0, done: true },
      ],
    })
  })

  test('is bounded and takes nonsense', () => {
    const tracker = new PullProgressTracker()
    for (let layer = 0; layer < 1000; layer += 1) tracker.take({ id: `l${layer}`, status: 'Downloading' })
    expect(tracker.update().layers).toHaveLength(256)
    expect(tracker.take({ id: 7, status: {} })).toBe(false)
    tracker.take({ id: 'l0', status: 'Downloading', progressDetail: { current: 'x', total: -1 } })
    expect(tracker.update().total).toBe(0)
  })
})

describe('a failed pull under HTTP 200', () => {
  test('fails', async () => {
    await expect(follow({ status: 'Pulling fs layer', id: 'a' }, { error: 'manifest unknown' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
  })

  test('fails also when its error is too long to be read whole', async () => {
    await expect(follow(`{"error":"${'x'.repeat(20_000)}"}`)).rejects.toMatchObject({ code: 'IMAGE_PULL_FAILED' })
  })

  test('what is not JSON is passed over', async () => {
    await expect(follow('not json', '[1]', 'null')).resolves.toEqual([])
  })
})

// Wordings as seen from Podman 4.3.1 and 5.4 and from Docker 20 to 28.
describe('what a message means', () => {
  test.each([
    [
      'initializing source docker://r/a:x: reading manifest x in r/a: manifest unknown: manifest unknown',
      'IMAGE_NOT_FOUND',
    ],
    ['manifest for mbentley/omada-controller:nope not found: manifest unknown', 'IMAGE_NOT_FOUND'],
    ['pull access denied for a/b, repository does not exist or may require docker login', 'REGISTRY_LOGIN'],
    [
      'errors: denied: requested access to the resource is denied unauthorized: authentication required',
      'REGISTRY_LOGIN',
    ],
    [
      'pinging container registry 127.0.0.1:5056: Get "https://127.0.0.1:5056/v2/": dial tcp 127.0.0.1:5056: connect: connection refused',
      'REGISTRY_UNREACHABLE',
    ],
    ['Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host', 'REGISTRY_UNREACHABLE'],
    ['Get "https://registry.example/v2/": net/http: TLS handshake timeout', 'REGISTRY_UNREACHABLE'],
    ['toomanyrequests: You have reached your pull rate limit', 'REGISTRY_LIMIT'],
    ['received unexpected HTTP status: 503 Service Unavailable', 'REGISTRY_FAILED'],
    [
      'choosing an image from manifest list docker://r/a:1: no image found in image index for architecture amd64',
      'IMAGE_ARCHITECTURE',
    ],
    ['no matching manifest for linux/arm64/v8 in the manifest list entries', 'IMAGE_ARCHITECTURE'],
    ['writing blob: storing blob to file "/var/tmp/x": write /var/tmp/x: no space left on device', 'DISK_FULL'],
    ['failed to register layer: write /usr/lib/x: no space left on device', 'DISK_FULL'],
    ['writing blob: storing blob to file "/var/tmp/s/1": happened during read: unexpected EOF', 'IMAGE_PULL_FAILED'],
  ])('%s', (message, code) => {
    const fault = pullFault(message, 'r/a:1')
    expect(fault.code).toBe(code)
    expect(fault.message).toContain('r/a:1')
    expect(fault.remedy).not.toBe('')
  })

  test('the remedy of a full disk is a command of the engine that is there', () => {
    const full = 'failed to register layer: write /usr/lib/x: no space left on device'
    expect(pullFault(full, 'r/a:1', 'docker').remedy).toMatch(/docker system df, docker image prune$/)
  })
})
