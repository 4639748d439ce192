import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { adopt } from '../system/support/adopt.ts'
import { processTree, usageOf } from '../system/support/processes.ts'
import { TestHost } from '../system/support/test-host.ts'
import { type Figure, median, seconds } from './figure.ts'

const idleSeconds = 30

/** `omada-host run` with a controller that takes 4 s to start: how soon it serves and is ready, and what it costs when idle. */
export async function measureForeground(): Promise<Figure[]> {
  const host = await TestHost.open({
    lans: { lan10: '10.77.10.1/24' },
    config: { health: { intervalSeconds: 15 } },
    standin: { STANDIN_START_SECONDS: '4' },
  })
  const { appliance, outpost, operator } = host
  const waitingRoom = () => outpost.call('http', { url: 'http://127.0.0.1:8088/' })
  const serving: number[] = []
  const ready: number[] = []
  try {
    for (let round = 0; round < 3; round += 1) {
      if (round > 0) await appliance.stop()
      serving.push(
        await seconds(async () => {
          await appliance.start()
          await eventually(waitingRoom, ({ status }) => status === 503)
        }),
      )
      await eventually(
        () => operator.health(),
        (health) => health.ready,
        90_000,
      )
      ready.push(await seconds(() => appliance.phase('ready')))
    }
    const options = ['--announce-seconds', '10', '--inform-seconds', '10']
    for (const last of [11, 12, 13]) {
      const mac = `AA-BB-CC-50-00-${last}`
      await adopt(operator, await host.device('lan10', last, { class: 'ap', mac, name: mac, options }))
    }
    const tree = processTree(appliance.child.pid)
    const before = tree.map(({ pid }) => usageOf(pid).cpuSeconds)
    const elapsed = await seconds(() => delay(idleSeconds * 1000))
    return [
      { name: 'run: waiting room served after the start', unit: 's', value: median(serving) },
      { name: 'run: ready after the controller', unit: 's', value: median(ready) },
      ...tree.flatMap(({ pid, role }, index): Figure[] => {
        const { cpuSeconds, residentMegabytes } = usageOf(pid)
        const share = ((cpuSeconds - (before[index] ?? 0)) / elapsed) * 100
        return [
          { name: `${role}: memory, idle`, unit: 'MB', value: residentMegabytes },
          { name: `${role}: processor, idle`, unit: '% of a core', value: share },
        ]
      }),
    ]
  } catch (error) {
    console.error(host.report())
    throw error
  } finally {
    await host.close()
  }
}
