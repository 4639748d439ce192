import { expect, test } from 'vitest'
import { appliancePorts } from '../../src/config/appliance-ports.ts'
import { configSchema } from '../../src/config/schema.ts'

test('has the ports of all three keys, each with whom it serves', () => {
  const ports = appliancePorts(
    configSchema.parse({ discovery: { ports: [29810] }, proxy: { ports: [8088, 29814, 5000] }, status: { port: 80 } }),
  )
  expect(ports).toEqual([
    { protocol: 'udp', port: 29810, roles: ['devices'] },
    { protocol: 'tcp', port: 8088, roles: ['management', 'guests'] },
    { protocol: 'tcp', port: 29814, roles: ['devices'] },
    { protocol: 'tcp', port: 5000, roles: ['devices'] },
    { protocol: 'tcp', port: 80, roles: ['management'] },
  ])
})
