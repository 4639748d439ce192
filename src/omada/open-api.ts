import * as z from 'zod'
import { parseObject } from '../core/text.ts'

/**
 * The part of TP-Link's Open API, on 8043, that has to do with what devices and guests are told. Its admin makes the
 * client's id and secret in the controller (Global View > Settings > Platform Integration > Open API, client mode).
 * Sources: the controller's own online API document (6.2.10); wncservices/terraform-provider-omada and tuist/tuist for
 * the settings.
 */
export const openApiPaths = {
  token: '/openapi/authorize/token?grant_type=client_credentials',
  general: (omadacId: string) => `/openapi/v1/${omadacId}/controller/setting/general`,
} as const

/** The header of a request with a token. */
export const openApiHeaders = (token: string) => ({ authorization: `AccessToken=${token}` })

/** What the controller tells its devices and guests, as its settings have it; undefined is not set. */
export interface ToldAddresses {
  readonly device: string | undefined
  readonly portal: string | undefined
}

/** How the Open API says so. */
export function settingOf(address: ToldAddresses): object {
  return {
    ...(address.device === undefined ? {} : { deviceManage: { deviceHostEnable: true, deviceHost: address.device } }),
    ...(address.portal === undefined ? {} : { webPort: { hostName: address.portal, autoPortalIpEnable: false } }),
  }
}

/** An answer: what was asked for, or the controller's refusal. */
export type OpenApiAnswer<T> =
  | { readonly ok: true; readonly result: T }
  | { readonly ok: false; readonly errorCode: number; readonly message: string }

const envelope = z.object({
  errorCode: z.int(),
  msg: z.string().optional().catch(undefined),
  result: z.unknown().optional(),
})

/** Undefined when it is no answer of the Open API. */
function parseAnswer<T>(body: string, schema: z.ZodType<T>): OpenApiAnswer<T> | undefined {
  const { data } = envelope.safeParse(parseObject(body))
  if (data === undefined) return undefined
  const { errorCode, msg = '' } = data
  if (errorCode !== 0) return { ok: false, errorCode, message: msg }
  const result = schema.safeParse(data.result)
  return result.success ? { ok: true, result: result.data } : undefined
}

// What may stand in a header without a second look.
const token = z.object({ accessToken: z.string().regex(/^[\x21-\x7e]{1,4096}$/) }).transform((one) => one.accessToken)

/** Reads the token in `{"errorCode":0,"result":{"accessToken","expiresIn"}}`. */
export const parseToken = (body: string) => parseAnswer(body, token)

const general = z
  .object({
    deviceManage: z.object({ deviceHostEnable: z.boolean().optional(), deviceHost: z.string().optional() }).optional(),
    webPort: z.object({ autoPortalIpEnable: z.boolean().optional(), hostName: z.string().optional() }).optional(),
  })
  .transform(
    ({ deviceManage, webPort }): ToldAddresses => ({
      device: deviceManage?.deviceHostEnable === true ? deviceManage.deviceHost : undefined,
      portal: webPort?.autoPortalIpEnable === false ? webPort.hostName : undefined,
    }),
  )

/** Reads the general settings. */
export const parseGeneral = (body: string) => parseAnswer(body, general)

/** Reads an answer that has only to say whether it was done. */
export const parseDone = (body: string) => parseAnswer(body, z.unknown())
