import { isIP } from 'node:net'
import { plainText } from '../core/text.ts'
import { type Frame, frameType, isObject, type JsonObject, ownValue } from './frame.ts'

/** The controller id that a device in factory state announces: it is ready to adopt. Reverse-engineered by third parties. */
export const factoryControllerId = 'c21f969b5f03d33d43e04f8f136e7682'

/** What a device says of itself in a DISCOVERY. Texts are bounded, free of control characters, and empty when absent. */
export interface Announce {
  /** `AA-BB-CC-DD-EE-FF` */
  readonly mac: string
  /** `ap`, `switch`, `gateway`, `olt`, or whatever a later firmware says. */
  readonly class: string
  readonly model: string
  readonly name: string
  readonly firmware: string
  /** An IP address or empty. */
  readonly address: string
  /** In lower case. */
  readonly controllerId?: string
  /** The device's clock in milliseconds since 1970. */
  readonly timestamp?: number
}

/** In characters. */
const maxText = 64

/** Reads a DISCOVERY; undefined when the frame is another message or names no valid MAC address. */
export function parseAnnounce(frame: Frame): Announce | undefined {
  const { header } = frame
  if (ownValue(header, 'type') !== frameType.discovery) return undefined
  const mac = parseMac(ownValue(header, 'mac'))
  if (mac === undefined) return undefined
  const body = isObject(frame.body) ? frame.body : {}
  const info = section(body, 'deviceInfo')
  const kind = text(header, 'device')
  const controllerId = controllerIdOf(body, kind)
  const timestamp = ownValue(header, 'timestamp')
  return {
    mac,
    class: kind === '' ? 'unknown' : kind,
    model: text(info, 'model'),
    name: text(info, 'name'),
    firmware: firmwareOf(info, kind),
    address: [text(info, 'ip'), text(header, 'ip')].find((address) => isIP(address) !== 0) ?? '',
    ...(controllerId === '' ? {} : { controllerId: controllerId.toLowerCase() }),
    ...(Number.isSafeInteger(timestamp) && Number(timestamp) > 0 ? { timestamp: Number(timestamp) } : {}),
  }
}

/** A MAC address with `-` or `:` as `AA-BB-CC-DD-EE-FF`; undefined when it is none. */
export function parseMac(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^[0-9a-f]{2}(?:[-:][0-9a-f]{2}){5}$/i.test(value)) return undefined
  return value.toUpperCase().replaceAll(':', '-')
}

/** An AP or OLT has `firmwareVersion`, a switch or gateway `fwVer`; a class not known yet may have either. */
function firmwareOf(info: JsonObject, kind: string): string {
  const long = text(info, 'firmwareVersion')
  const short = text(info, 'fwVer')
  return kind === 'switch' || kind === 'gateway' ? short || long : long || short
}

/** An AP has `controllerSetting.controllerId`, every other class `controller.id`. */
function controllerIdOf(body: JsonObject, kind: string): string {
  const setting = text(section(body, 'controllerSetting'), 'controllerId')
  const id = text(section(body, 'controller'), 'id')
  return kind === 'ap' ? setting || id : id || setting
}

function section(object: JsonObject, key: string): JsonObject {
  const value = ownValue(object, key)
  return isObject(value) ? value : {}
}

function text(object: JsonObject, key: string): string {
  const value = ownValue(object, key)
  return typeof value === 'string' ? plainText(value, maxText).trim() : ''
}
