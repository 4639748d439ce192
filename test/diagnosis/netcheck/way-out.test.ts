import { expect, test } from 'vitest'
import { judgeWayOut } from '../../../src/diagnosis/netcheck/way-out.ts'
import { parseRoutingRules } from '../../../src/network/way.ts'

const lan = { interface: 'lan0', address: '10.77.0.1', prefix: 24, broadcast: '10.77.0.255' }

test('answers that leave by their network', () => {
  expect(judgeWayOut(lan, { interface: 'lan0', table: undefined, route: '10.77.0.0/24' }, [])).toEqual({
    status: 'ok',
    message: 'answers from 10.77.0.1 to 10.77.0.0/24 leave by lan0',
  })
})

test('answers that a VPN takes are told with the command that gives them back', () => {
  const rules = parseRoutingRules('[{"priority":32765,"src":"all","table":"100"}]')
  expect(judgeWayOut(lan, { interface: 'wg0', table: '100', route: 'default' }, rules)).toEqual({
    status: 'fail',
    message:
      'answers from 10.77.0.1 to 10.77.0.0/24 do not leave by lan0: Linux sends them by wg0 because of route table 100 (route: default)',
    remedy: expect.stringMatching(/^ip rule add to 10\.77\.0\.0\/24 lookup main priority 32764, /),
  })
})

test.each([undefined, { interface: 'eth0', table: undefined, route: 'default' }])(
  'a network that has lost its route: %j',
  (way) => {
    const { status, remedy } = judgeWayOut(lan, way, [])
    expect([status, remedy]).toEqual(['fail', expect.stringContaining('ip route add 10.77.0.0/24 dev lan0')])
  },
)
