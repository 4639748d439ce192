import type { EdgeConfig } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { messageOf, systemCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { type PeerMessage, parsePeerMessage } from '../../network/peer-message.ts'
import { absenceCode } from '../../network/udp-socket.ts'
import { parseAnnounce, parseMac } from '../../omada/announce.ts'
import { type DecodedFrame, decodeFrame, frameType, ownValue } from '../../omada/frame.ts'
import { Admission } from './admission.ts'
import { OutcomeCounters } from './outcomes.ts'
import type { Correspondent, Datagram, DiscoveryPorts } from './ports.ts'
import { rewriteAddress } from './rewrite.ts'
import type { SeenDevices } from './seen-devices.ts'
import { type Session, Sessions } from './sessions.ts'
import { Settlement } from './settlement.ts'
import type { RateLimitedWarnings } from './warnings.ts'

/** Sends an answer to a device from one address of this machine. */
export interface Exit {
  /** The address that the device sees; undefined when this machine has none towards it. */
  readonly address: string | undefined
  /** @throws the system's error */
  send(payload: Buffer, port: number, address: string): Promise<void>
}

/**
 * Carries datagrams between devices and the controller, at once in both directions. Each ends in exactly one outcome:
 * admit, session, controller on the way in; session, rewrite, device on the way out.
 */
export class Relay {
  readonly #config: EdgeConfig
  readonly #ports: DiscoveryPorts
  readonly #logger: Logger
  readonly #admission: Admission
  readonly #sessions: Sessions
  readonly #settlement: Settlement
  readonly #counters = new OutcomeCounters()
  readonly #devices: SeenDevices
  readonly #warnings: RateLimitedWarnings
  readonly #exitTowards: (correspondent: Correspondent) => Exit | undefined
  readonly #onPeerMessage: (message: PeerMessage, datagram: Datagram) => void

  /**
   * `exitTowards`: by which socket a session's device is answered; undefined when none is open. `onPeerMessage`: hears
   * what another omada-host says, which is none of the controller's business.
   */
  constructor(options: {
    config: EdgeConfig
    logger: Logger
    clock: Clock
    ports: DiscoveryPorts
    devices: SeenDevices
    warnings: RateLimitedWarnings
    exitTowards: (correspondent: Correspondent) => Exit | undefined
    onPeerMessage: (message: PeerMessage, datagram: Datagram) => void
  }) {
    const { config, clock, ports } = options
    this.#config = config
    this.#ports = ports
    this.#logger = options.logger
    this.#devices = options.devices
    this.#warnings = options.warnings
    this.#exitTowards = options.exitTowards
    this.#onPeerMessage = options.onPeerMessage
    this.#sessions = new Sessions({
      clock,
      max: config.discovery.maxSessions,
      idleSeconds: config.discovery.sessionSeconds,
      events: {
        onAnswer: (session, payload) => void this.#answer(session, payload),
        onError: (session, error) => this.#upstreamError(session.discoveryPort, error),
        onCrowded: () => this.#warnCrowded(),
      },
    })
    this.#admission = new Admission({
      config,
      clock,
      ports,
      isOwnPort: (port) => config.discovery.ports.includes(port) || this.#sessions.hasLocalPort(port),
    })
    this.#settlement = new Settlement({ clock, settled: (outcome, count) => this.#counters.add(outcome, count) })
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /** Datagrams by outcome. One sent to the controller is counted a moment later (see Settlement). */
  outcomes(): Readonly<Record<string, number>> {
    this.#settlement.decideDue()
    return this.#counters.snapshot()
  }

  /** Takes one datagram from the LAN. Never throws, whatever the bytes. */
  receive(datagram: Datagram): void {
    const verdict = this.#admission.judge(datagram)
    if (verdict.dropped !== undefined) {
      this.#counters.add(verdict.dropped)
      if (verdict.dropped === 'rate-limited') this.#warnFlood(datagram.address)
      return
    }
    const peerMessage = verdict.decoded.framed ? parsePeerMessage(verdict.decoded.frame) : undefined
    if (peerMessage !== undefined) {
      this.#counters.add('peer-probe')
      this.#onPeerMessage(peerMessage, datagram)
      return
    }
    const announce = verdict.decoded.framed ? parseAnnounce(verdict.decoded.frame) : undefined
    if (announce !== undefined) this.#devices.announced(announce, datagram.address)
    const controllerAddress = this.#ports.controllerAddress()
    if (controllerAddress === undefined) this.#counters.add('no-controller')
    else this.#forward(datagram, controllerAddress, announce?.mac)
  }

  /** Closes idle sessions. */
  expire(): void {
    this.#sessions.expire()
  }

  close(): void {
    this.#sessions.closeAll()
    this.#settlement.decideAll()
  }

  #forward(datagram: Datagram, controllerAddress: string, mac: string | undefined): void {
    const session = this.#sessionOf(datagram, controllerAddress)
    if (session === undefined) return
    if (mac !== undefined) session.mac = mac
    session.upstream.send(datagram.payload, (error) => {
      if (error === undefined) this.#settlement.sent(datagram.discoveryPort)
      else this.#notSent(datagram.discoveryPort, error)
    })
  }

  #sessionOf(datagram: Datagram, controllerAddress: string): Session | undefined {
    try {
      return this.#sessions.of(datagram, controllerAddress)
    } catch (error) {
      this.#notSent(datagram.discoveryPort, error)
      return undefined
    }
  }

  #notSent(port: number, error: unknown): void {
    if (absenceCode(error) !== undefined) {
      this.#counters.add('no-controller')
      this.#upstreamError(port, error)
      return
    }
    this.#counters.add('send-failed')
    this.#warnings.warn('session-failed', {
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
      this.#logger.debug({ err: error }, 'error on a session towards the controller')
      return
    }
    this.#settlement.refused(port, code)
    const message = `the controller does not take discovery datagrams on UDP port ${port} (${code})`
    this.#warnings.warn('controller-absent', { message }, 'info')
  }

  async #answer(session: Session, payload: Buffer): Promise<void> {
    this.#settlement.answered(session.discoveryPort)
    this.#sessions.touch(session)
    const exit = this.#exitTowards(session)
    if (exit === undefined) {
      this.#answerFailed(session, new Error('no listening socket is open'))
      return
    }
    const decoded = decodeFrame(payload)
    try {
      await exit.send(this.#rewritten(decoded, session, exit) ?? payload, session.port, session.address)
    } catch (error) {
      if (systemCode(error) === 'EMSGSIZE') this.#counters.add('answer-oversize')
      else this.#answerFailed(session, error)
      return
    }
    this.#counters.add('answered')
    this.#noteAdoption(session, decoded)
  }

  #rewritten(decoded: DecodedFrame, session: Session, exit: Exit): Buffer | undefined {
    if (!this.#ports.live().discovery.rewriteAddresses || !decoded.framed || exit.address === undefined)
      return undefined
    return rewriteAddress(decoded.json, { from: session.controllerAddress, to: exit.address })
  }

  /** A PRE_ADOPT_REQUEST names its device in the header; when it does not, it is for the one that announced itself there. */
  #noteAdoption(session: Session, decoded: DecodedFrame): void {
    if (!decoded.framed || ownValue(decoded.frame.header, 'type') !== frameType.preAdoptRequest) return
    const named = parseMac(ownValue(decoded.frame.header, 'mac'))
    const mac = named !== undefined && this.#devices.has(named) ? named : session.mac
    if (mac === undefined) return
    this.#devices.adoptSent(mac)
    this.#logger.info({ mac, address: session.address }, 'the controller asked a device to adopt')
  }

  #answerFailed(session: Session, error: unknown): void {
    this.#counters.add('answer-send-failed')
    this.#warnings.warn('answer-failed', {
      code: 'DISCOVERY_NOT_ANSWERED',
      message: `an answer could not be sent to ${session.address}: ${messageOf(error)}`,
      remedy: `check the route to it (ip route get ${session.address}) and the packet filter (nft list ruleset)`,
    })
  }

  #warnFlood(address: string): void {
    this.#warnings.warn('flood', {
      code: 'DISCOVERY_FLOOD',
      message: `${address} sends more than ${this.#config.discovery.ratePerSource} discovery datagrams a second; the rest is dropped`,
      remedy: 'find out why, or raise discovery.ratePerSource if that many devices share this address',
    })
  }

  #warnCrowded(): void {
    this.#warnings.warn('sessions-crowded', {
      code: 'DISCOVERY_SESSIONS_FULL',
      message: `discovery sessions end before their time: ${this.#sessions.size} of ${this.#config.discovery.maxSessions} are open`,
      remedy: 'raise discovery.maxSessions or the open file limit of the edge, unless this is a flood',
    })
  }
}
