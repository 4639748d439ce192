import { describe, expect, test } from 'vitest'
import { cpuNeed, majorVersion } from '../../src/omada/image-contract.ts'

describe('the major version that a tag tells', () => {
  test.each([
    ['docker.io/mbentley/omada-controller:6.2', 6],
    ['mbentley/omada-controller:5.15', 5],
    ['mbentley/omada-controller:6', 6],
    ['mbentley/omada-controller:6.2.10.17-openj9', 6],
    ['mbentley/omada-controller:beta-6.3', 6],
    ['mbentley/omada-controller', 5],
    ['mbentley/omada-controller:latest', 5],
    ['mbentley/omada-controller:mine', undefined],
    [`mbentley/omada-controller@sha256:${'0'.repeat(64)}`, undefined],
  ])('%s', (reference, expected) => {
    expect(majorVersion(reference)).toBe(expected)
  })
})

describe('what the processor must have', () => {
  const need = (image: string, architecture: string, externalDatabase = false) =>
    cpuNeed({ image: `docker.io/mbentley/omada-controller:${image}`, architecture, externalDatabase })

  test('AVX or ARMv8.2-A for v6 with its own database', () => {
    expect(need('6.2', 'amd64')).toEqual({ name: 'AVX', anyOf: ['avx'] })
    expect(need('6.2', 'arm64')?.anyOf).toContain('asimddp')
  })

  test('nothing for v5, for an external database, for an unknown tag', () => {
    expect(need('5.15', 'amd64')).toBeUndefined()
    expect(need('latest', 'amd64')).toBeUndefined()
    expect(need('6.2', 'amd64', true)).toBeUndefined()
    expect(need('mine', 'amd64')).toBeUndefined()
  })
})
