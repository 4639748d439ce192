import { once } from 'node:events'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Device } from '../../../test/support/device.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { Lan } from '../../../test/support/lan.ts'
import { Ledger } from '../../../test/support/ledger.ts'
import { Namespace } from '../../../test/support/namespace.ts'
import { Operator } from '../../../test/support/operator.ts'
import { controllerAppliance, imageTag, prepareImage, succeeds } from './appliance.ts'
import { requestJson } from './json-request.ts'
import { choosePlaces, pageAddress, routedNetworks } from './places.ts'
import { Progress } from './progress.ts'

export interface DemoOptions {
  readonly adopt: boolean
  /** How long to go on once all is shown; undefined: until `signal` aborts. */
  readonly seconds: number | undefined
  /** File for everything that is not shown. */
  readonly log: string
  readonly signal: AbortSignal
}

const lanName = 'omada-demo'
const cast = [
  { class: 'ap', mac: 'AA-BB-CC-00-00-01', name: 'Lobby' },
  { class: 'switch', mac: 'AA-BB-CC-00-00-02', name: 'Rack' },
  { class: 'gateway', mac: 'AA-BB-CC-00-00-03', name: 'Uplink' },
] as const

/** The demo from nothing to nothing. @throws Error that says what failed, or the abort when it was cancelled half-way */
export async function runDemo(options: DemoOptions): Promise<void> {
  const ledger = await Ledger.open('omada-host-demo-')
  try {
    // What is left of a demo that crashed is gone by now: whoever holds the name is alive.
    if (await succeeds(['ip', 'link', 'show', lanName])) {
      throw new Error(`the interface ${lanName} exists: another demo is running; stop it first`)
    }
    await play(ledger, options)
  } finally {
    await ledger.close()
  }
}

async function play(ledger: Ledger, options: DemoOptions): Promise<void> {
  const { signal, log } = options
  console.log(`Making the stand-in controller's image ${imageTag}`)
  await prepareImage(ledger, log)
  signal.throwIfAborted()

  const places = choosePlaces(routedNetworks())
  const lan = await Lan.make(ledger, { name: lanName, address: places.lanAddress })
  const appliance = await controllerAppliance(ledger, { places, lan: lanName, log })
  console.log(`The status page: http://${pageAddress()}:8090`)
  const progress = new Progress({ appliance, signal })
  await progress.until((view) => view.edge !== undefined, 60_000, 'the status page is up')

  console.log(`Three devices join the virtual LAN ${lanName}, ${places.lanAddress}`)
  const devices: Device[] = []
  for (const [index, role] of cast.entries()) {
    const namespace = await Namespace.make(ledger, `${basename(ledger.directory)}-${role.class}`)
    await lan.plug(namespace, 11 + index)
    devices.push(await Device.start(ledger, { ...role, namespace, options: ['--announce-seconds', '3'] }))
  }
  await progress.until((view) => view.host?.phase === 'ready', 240_000, 'the controller is ready')
  await progress.until((view) => (view.edge?.devices.length ?? 0) >= cast.length, 60_000, 'three devices are seen')

  const operator = new Operator({ address: places.controllerAddress, request: requestJson })
  // Else devices are told the container's own address, and go there after an hour.
  await progress.while(operator.setDeviceHost(places.lanAddress.replace(/\/.*/, '')))
  const [first] = devices
  if (options.adopt && first !== undefined) {
    await progress.while(
      eventually(
        () => operator.device(first.mac),
        (known) => known?.state === 'pending',
      ),
    )
    console.log(`Adopting ${first.mac}`)
    await operator.adopt(first.mac)
    const connected = await progress.while(first.event('connected', 60_000))
    console.log(`${first.mac} is connected, to ${String(connected.address)}:${String(connected.port)}`)
    await progress.while(first.event('informed', 60_000))
  } else {
    console.log('\nBe the operator: list what announced itself, adopt a device, and watch it on the page')
    console.log(`  curl -s http://${places.controllerAddress}:9080/devices`)
    console.log(`  curl -s -X POST http://${places.controllerAddress}:9080/adopt -d '{"mac":"${cast[0].mac}"}'`)
  }
  console.log('Ctrl-C ends the demo and removes everything.')
  const enough = options.seconds === undefined ? new Promise<void>(() => {}) : delay(options.seconds * 1000)
  const cancelled = signal.aborted ? Promise.resolve() : once(signal, 'abort')
  await progress.while(Promise.race([enough, cancelled]))
}
