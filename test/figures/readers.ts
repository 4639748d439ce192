import { setTimeout as delay } from 'node:timers/promises'
import { announcement } from '../standin/protocol/announce.ts'
import { encodeFrame } from '../standin/protocol/frame.ts'
import { factoryControllerId } from '../standin/protocol/messages.ts'
import { Outpost } from '../system/support/outpost.ts'
import { TestHost } from '../system/support/test-host.ts'
import type { Figure } from './figure.ts'

const devices = 4096
const clients = 6
const questions = 1000
const address = '10.77.10.1'

/** What six clients that read the page of 4,096 devices in a loop cost those whose datagrams are relayed. */
export async function measureReaders(): Promise<Figure[]> {
  const host = await TestHost.open({
    lans: { lan10: `${address}/24` },
    config: { discovery: { ratePerSource: 10_000 } },
  })
  try {
    await host.appliance.start()
    await host.appliance.phase('ready', 90_000)
    const asking = await Outpost.open(host.ledger, await host.neighbour('lan10', 30))
    const reading = await Outpost.open(host.ledger, await host.neighbour('lan10', 31))
    const datagrams = Array.from({ length: devices }, (_, index) => {
      const mac = `AA-BB-CC-60-${hex(index >> 8)}-${hex(index & 255)}`
      const identity = { class: 'ap', mac, model: 'EAP670', name: `AP ${index}`, address: '10.77.10.31' } as const
      const frame = encodeFrame(announcement(identity, factoryControllerId, Date.now(), index))
      return { from: '10.77.10.31', to: address, port: 29_810, base64: frame.toString('base64') }
    })
    await reading.call('send', { datagrams, perSecond: 1000 })
    const p99 = async () => {
      const times = await asking.call('roundTrips', {
        to: address,
        port: 27_001,
        count: questions,
        pauseMilliseconds: 10,
      })
      return times.toSorted((a, b) => a - b)[Math.floor(questions * 0.99)] ?? Number.NaN
    }
    const alone = await p99()
    const read = reading.call('readInLoops', { url: `http://${address}:8090/`, clients, milliseconds: 15_000 })
    await delay(1000)
    const beside = await p99()
    console.log(`${await read} pages were read in 15 s`)
    asking.close()
    reading.close()
    return [
      { name: 'relay: 99th percentile of an answer', unit: 'ms', value: alone },
      { name: `relay: the same beside ${clients} readers of ${devices} devices`, unit: 'ms', value: beside },
    ]
  } catch (error) {
    console.error(host.report())
    throw error
  } finally {
    await host.close()
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0').toUpperCase()
}
