import { type Fault, messageOf, systemCode } from '../../core/errors.ts'
import { QuietLog } from '../../core/quiet-log.ts'
import { absenceCode } from '../../network/udp-socket.ts'
import { parseMac } from '../../omada/announce.ts'
import { type DecodedFrame, decodeFrame, frameType, ownValue } from '../../omada/frame.ts'
import { type DiscoveryOptions, troubleMilliseconds } from './dependencies.ts'
import type { Exit, Exits } from './listeners.ts'
import type { Outcomes } from './outcomes.ts'
import type { Datagram } from './port-listeners.ts'
import { rewriteAddress } from './rewrite.ts'
import type { SeenDevices } from './seen-devices.ts'
import { type Session, Sessions } from './sessions.ts'

interface RelayOptions extends DiscoveryOptions {
  readonly outcomes: Outcomes
  readonly devices: SeenDevices
  readonly exits: Pick<Exits, 'towards'>
}

/**
 * Carries datagrams between devices and the controller, at once in both directions: session, controller on the way in;
 * session, rewrite, device on the way out.
 */
export class Relay {
  readonly sessions: Sessions
  readonly #options: RelayOptions
  readonly #outcomes: Outcomes
  readonly #quietLog: QuietLog

  constructor(options: RelayOptions) {
    const { maxSessions, sessionSeconds } = options.config.discovery
    this.#options = options
    this.#outcomes = options.outcomes
    this.#quietLog = new QuietLog(options)
    this.sessions = new Sessions({
      clock: options.clock,
      max: maxSessions,
      idleSeconds: sessionSeconds,
      onAnswer: (session, payload) => void this.#answer(session, payload),
      onError: (session, error) => this.#upstreamError(session.discoveryPort, error),
      onCrowded: () =>
        this.#warn({
          code: 'DISCOVERY_SESSIONS_FULL',
          message: `discovery sessions end before their time: ${this.sessions.size} of ${maxSessions} are open`,
          remedy: 'raise discovery.maxSessions or the open file limit of the edge, unless this is a flood',
        }),
    })
  }

  /** Hands a datagram on to the controller, if that can be reached. `mac`: the device that announces itself in it. */
  forward(datagram: Datagram, mac?: string): void {
    const { discoveryPort, payload } = datagram
    const controllerAddress = this.#options.dependencies.controllerAddress()
    if (controllerAddress === undefined) {
      this.#outcomes.add('no-controller')
      return
    }
    try {
      const session = this.sessions.of(datagram, controllerAddress)
      if (mac !== undefined) session.mac = mac
      session.upstream.send(payload, (error) => {
        if (error === undefined) this.#outcomes.sent(discoveryPort)
        else this.#notSent(discoveryPort, error)
      })
    } catch (error) {
      this.#notSent(discoveryPort, error)
    }
  }

  close(): void {
    this.sessions.closeAll()
    this.#outcomes.decideAll()
  }

  #notSent(port: number, error: unknown): void {
    if (absenceCode(error) !== undefined) {
      this.#outcomes.add('no-controller')
      this.#upstreamError(port, error)
      return
    }
    this.#outcomes.add('send-failed')
    this.#warn({
      code: 'DISCOVERY_NOT_RELAYED',
      message: `a discovery datagram could not be sent to the controller: ${messageOf(error)}`,
      remedy:
        'check the open file limit of the edge (LimitNOFILE) and the packet filter of this machine (nft list ruleset)',
    })
  }

  /** The kernel tells of an earlier datagram of a session towards this port, or of the session's socket. */
  #upstreamError(port: number, error: unknown): void {
    const code = absenceCode(error)
    if (code === undefined) {
      this.#options.logger.debug({ err: error }, 'error on a session towards the controller')
      return
    }
    this.#outcomes.refused(port, code)
    const message = `the controller does not take discovery datagrams on UDP port ${port} (${code})`
    this.#quietLog.atMost('controller-absent', message, { level: 'info' })
  }

  async #answer(session: Session, payload: Buffer): Promise<void> {
    this.#outcomes.answered(session.discoveryPort)
    this.sessions.touch(session)
    const decoded = decodeFrame(payload)
    try {
      const exit = this.#options.exits.towards(session)
      if (exit === undefined) throw new Error('no listening socket is open')
      await exit.send(this.#rewritten(decoded, session, exit) ?? payload, session.port, session.address)
    } catch (error) {
      this.#notAnswered(session, error)
      return
    }
    this.#outcomes.add('answered')
    this.#noteAdoption(session, decoded)
  }

  #rewritten(decoded: DecodedFrame, session: Session, exit: Exit): Buffer | undefined {
    if (!this.#options.dependencies.live().discovery.rewriteAddresses || !decoded.framed || exit.address === undefined)
      return undefined
    return rewriteAddress(decoded.json, { from: session.controllerAddress, to: exit.address })
  }

  /** A PRE_ADOPT_REQUEST names its device in the header; when it does not, it is for the one that announced itself there. */
  #noteAdoption(session: Session, decoded: DecodedFrame): void {
    if (!decoded.framed || ownValue(decoded.frame.header, 'type') !== frameType.preAdoptRequest) return
    const { devices, logger } = this.#options
    const named = parseMac(ownValue(decoded.frame.header, 'mac'))
    const mac = named !== undefined && devices.has(named) ? named : session.mac
    if (mac === undefined) return
    devices.adoptSent(mac)
    logger.info({ mac, address: session.address }, 'the controller asked a device to adopt')
  }

  #notAnswered(session: Session, error: unknown): void {
    if (systemCode(error) === 'EMSGSIZE') {
      this.#outcomes.add('answer-oversize')
      return
    }
    this.#outcomes.add('answer-send-failed')
    this.#warn({
      code: 'DISCOVERY_NOT_ANSWERED',
      message: `an answer could not be sent to ${session.address}: ${messageOf(error)}`,
      remedy: `check the route to it (ip route get ${session.address}) and the packet filter (nft list ruleset)`,
    })
  }

  #warn(fault: Fault): void {
    this.#options.dependencies.warnings.happened(fault, troubleMilliseconds)
  }
}
