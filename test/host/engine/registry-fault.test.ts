import { expect, test } from 'vitest'
import { registryFault, retryAfterMilliseconds } from '../../../src/host/engine/registry-fault.ts'

const image = 'registry.example/a/b:1'
const reading = 'initializing source docker://registry.example/a/b:1: reading manifest 1 in registry.example/a/b: '
const pinging = 'pinging container registry registry.example: Get "https://registry.example/v2/": '

// As Podman 4.3.1 said them to registries and proxies that answered so; the last of each as Docker 20 to 28 have it.
test.each([
  [`${reading}unauthorized`, 'REGISTRY_LOGIN', 'podman login --authfile /etc/omada-host/auth.json registry.example'],
  [`${reading}denied`, 'REGISTRY_LOGIN', 'images.authFile'],
  [
    'Head "https://registry.example/v2/a/b/manifests/1": unauthorized: authentication required',
    'REGISTRY_LOGIN',
    'spelt',
  ],
  [
    `${reading}toomanyrequests: You have reached your unauthenticated pull rate limit`,
    'REGISTRY_LIMIT',
    'wait, or log in',
  ],
  ['toomanyrequests: retry-after: 118.387µs, allowed: 44000/minute', 'REGISTRY_LIMIT', 'wait'],
  [
    `${reading}received unexpected HTTP status: 500 Internal Server Error`,
    'REGISTRY_FAILED',
    'nothing is to be mended',
  ],
  [`${reading}received unexpected HTTP status: 503 Service Unavailable`, 'REGISTRY_FAILED', 'wait'],
  [`${pinging}x509: certificate has expired or is not yet valid`, 'REGISTRY_TLS', 'timedatectl'],
  [
    `${pinging}x509: certificate signed by unknown authority`,
    'REGISTRY_TLS',
    '/etc/containers/certs.d/registry.example/ca.crt',
  ],
  [`${pinging}http: server gave HTTP response to HTTPS client`, 'REGISTRY_TLS', 'firewall'],
  [`${pinging}Proxy Authentication Required`, 'REGISTRY_PROXY', 'systemctl edit podman.service'],
  [`${pinging}proxyconnect tcp: dial tcp 192.0.2.1:3128: connect: connection refused`, 'REGISTRY_PROXY', 'HTTPS_PROXY'],
  [`${pinging}dial tcp 192.0.2.1:443: i/o timeout`, 'REGISTRY_UNREACHABLE', 'where only a proxy leads there'],
])('%s', (message, code, remedy) => {
  const fault = registryFault(message, image, 'podman')
  expect(fault).toMatchObject({
    code,
    message: expect.stringContaining(message),
    remedy: expect.stringContaining(remedy),
  })
  expect(fault?.remedy).toMatch(/; it is tried again by itself$/)
})

test('what is not about the registry is left to others', () => {
  expect(registryFault('open /var/lib/containers/x: permission denied', image, 'podman')).toBeUndefined()
  const unknown = 'reading manifest 5.15.502 in registry.example/a-429/b: manifest unknown, 407 bytes'
  expect(registryFault(unknown, image, 'podman')).toBeUndefined()
  expect(registryFault('manifest unknown', image, 'podman')).toBeUndefined()
})

test('each asker has the place of its own proxy', () => {
  const remedy = (asker: 'docker' | 'omada-host') =>
    registryFault('Proxy Authentication Required', image, asker)?.remedy
  expect(remedy('docker')).toContain('systemctl edit docker.service')
  expect(remedy('docker')).toContain('systemctl restart docker')
  expect(remedy('omada-host')).toContain('systemctl edit omada-host.service')
})

test.each([
  ['toomanyrequests: retry-after: 90s', 90_000],
  ['toomanyrequests: retry-after: 118.387µs, allowed: 44000/minute', 0.118387],
  ['Too Many Requests (Retry-After: 120)', 120_000],
  ['toomanyrequests: retry after 2h', 7_200_000],
  ['toomanyrequests: retry-after: 999999999h', 21_600_000],
  ['toomanyrequests: You have reached your pull rate limit', 60_000],
])('%s: the next try is after %d ms at least', (message, milliseconds) => {
  const fault = { code: 'REGISTRY_LIMIT', message, remedy: '' } as const
  expect(retryAfterMilliseconds(fault)).toBeCloseTo(milliseconds)
  expect(retryAfterMilliseconds({ ...fault, code: 'REGISTRY_FAILED' })).toBe(0)
})
