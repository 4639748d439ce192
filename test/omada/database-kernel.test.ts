import { expect, test } from 'vitest'
import { crashesDatabase } from '../../src/omada/database-kernel.ts'

const six = { controller: { image: 'docker.io/mbentley/omada-controller:6.2' }, mongo: {} }

test.each([
  ['6.1.0-42-amd64', 'amd64', false],
  ['6.12.41+deb13-amd64', 'amd64', false],
  ['6.18.99', 'amd64', false],
  ['6.19.0-rc1', 'amd64', true],
  ['6.19', 'arm64', true],
  ['6.20.3-generic', 'amd64', true],
  ['7.0.2-6-pve', 'amd64', true],
  ['7.0.13', 'amd64', true],
  ['7.0.14-1-pve', 'amd64', false],
  ['7.1.0', 'amd64', false],
  ['7.1.0', 'arm64', true],
  ['10.0.1', 'arm64', true],
  ['', 'amd64', false],
  ['what is this', 'arm64', false],
])('Linux %s on %s: %s', (kernel, architecture, crashes) => {
  expect(crashesDatabase({ kernel, architecture }, six)).toBe(crashes)
})

test("neither an image of version 5 nor another's database is asked for, an image that does not tell its version is", () => {
  const crashes = (image: string, uri?: string) =>
    crashesDatabase({ kernel: '6.19.1', architecture: 'amd64' }, { controller: { image }, mongo: { uri } })
  expect(crashes('docker.io/mbentley/omada-controller:5.15')).toBe(false)
  expect(crashes('docker.io/mbentley/omada-controller:6.3', 'mongodb://db/omada')).toBe(false)
  expect(crashes(`docker.io/mbentley/omada-controller@sha256:${'0'.repeat(64)}`)).toBe(true)
})
