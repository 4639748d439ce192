import type { Reason } from '../../../src/core/errors.ts'
import type { Warning } from '../../../src/core/warning-kinds.ts'
import { hostState } from '../../ipc/fixtures.ts'
import { condition, device, edgeState, proxyPort } from './fixtures.ts'
import type { Served } from './serve.ts'

const databaseDown: Reason = {
  code: 'DATABASE_DOWN',
  message: "the controller's database (MongoDB) does not work: connect ECONNREFUSED 127.0.0.1:27217",
  remedy: 'see what the controller says: omada-host logs',
}

/** Appliances as a user may find them. */
export const pageStates = {
  ready(served: Served) {
    served.host = hostState({
      conditions: [condition('database', { detail: '8.0.4, 1.2 ms' }), condition('web')],
      controller: {
        image: 'docker.io/mbentley/omada-controller:6.2',
        digest: 'sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945',
        version: '6.2.0.17',
        address: '10.129.81.10',
      },
      history: [
        { at: '2026-03-01T10:00:00.000Z', subject: 'phase', from: 'starting', to: 'ready', message: 'all well' },
      ],
    })
    const stalled = device({
      mac: 'AA-BB-CC-00-00-03',
      name: 'x'.repeat(64),
      class: 'gateway',
      adoption: 'stalled',
      ownership: 'factory',
      announcedAddress: '10.0.0.1',
      hint: {
        code: 'DEVICE_PORT_DOWN',
        message: 'it has not opened TCP 29814',
        remedy: 'open TCP 29814 in the firewall',
      },
    })
    const waiting = device({ mac: 'AA-BB-CC-00-00-02', class: 'switch', adoption: 'announcing', ownership: 'factory' })
    const fault = {
      code: 'PORT_IN_USE',
      message: 'TCP port 8843 is held by another process',
      remedy: 'stop it',
    } as const
    served.edge = edgeState({
      devices: [device(), waiting, stalled],
      proxy: {
        ports: [
          proxyPort(8043, { open: 7, total: 1234, bytesIn: 5e12, bytesOut: 5e12, refused: { 'limit-source': 12 } }),
          proxyPort(8843, { state: 'failed', reason: fault }),
        ],
      },
    })
  },
  pulling(served: Served) {
    const image = 'docker.io/mbentley/omada-controller:6.2'
    const layers = [true, false].map((done, index) => ({ id: `${index}`, current: 1, total: 2, done }))
    const pull = { image, current: 134_217_728, total: 812_000_000, attempt: 2, layers }
    served.host = hostState({
      phase: 'pulling',
      reason: { message: `downloading ${image}` },
      controller: { image, address: '10.129.81.10', pull },
    })
    served.edge = edgeState({ devices: [] })
  },
  degraded(served: Served) {
    const failing = (name: string, consequenceOf?: string) =>
      condition(name, {
        status: 'failing',
        reason: databaseDown,
        ...(consequenceOf === undefined ? {} : { consequenceOf }),
      })
    served.host = hostState({
      phase: 'degraded',
      reason: databaseDown,
      conditions: [failing('database'), failing('web', 'database'), failing('web-ports', 'web')],
    })
  },
  failed(served: Served) {
    const reason: Reason = {
      code: 'CPU_UNSUPPORTED',
      message: 'the processor lacks AVX, which the database in this image needs',
      remedy: 'set controller.image to docker.io/mbentley/omada-controller:5.15',
    }
    served.host = hostState({ phase: 'failed', reason })
  },
  crashLoop(served: Served) {
    const reason: Reason = {
      code: 'CONTROLLER_CRASH_LOOP',
      message: 'the controller died 5 times within 10 minutes; at last: the controller died with exit code 1',
      remedy: 'see why in its log (omada-host logs), then: omada-host start',
    }
    served.host = hostState({ phase: 'failed', reason })
  },
  registryAway(served: Served) {
    pageStates.pulling(served)
    const reason: Reason = {
      code: 'REGISTRY_UNREACHABLE',
      message: 'the registry does not answer: Get "https://docker.io/v2/": dial tcp: lookup docker.io: no such host',
      remedy: "check this machine's way to the internet",
    }
    served.host = { ...(served.host ?? hostState()), reason }
  },
  engineAway(served: Served) {
    pageStates.ready(served)
    const warning: Warning = {
      code: 'ENGINE_TIMEOUT',
      severity: 'error',
      since: '2026-03-01T09:50:00.000Z',
      message:
        'cannot look at the container omada-controller: the container engine on /run/podman/podman.sock did not answer within 30 s',
      remedy: 'see what the engine logs: journalctl -u podman -u docker',
    }
    served.host = { ...(served.host ?? hostState()), warnings: [warning] }
  },
  rival(served: Served) {
    pageStates.ready(served)
    const warning: Warning = {
      code: 'OTHER_APPLIANCE',
      severity: 'warning',
      since: '2026-03-01T09:50:00.000Z',
      message: 'another omada-host is on eth0, at 192.168.0.17: both controllers see every device',
      remedy: 'stop one of them (systemctl disable --now omada-host there), or give each its own networks',
    }
    served.edge = { ...served.edge, warnings: [warning] }
  },
  hostAbsent(served: Served) {
    served.host = undefined
  },
} satisfies Record<string, (served: Served) => void>
