import * as z from 'zod'
import { parseObject } from '../core/text.ts'

/**
 * The controller's info API on 8043, no login needed. `/api/v2/anon/info` says errorCode 0 only with a working database
 * (mbentley/docker-omada-controller#357); v5 controllers may lack it and have `/api/info` alone.
 */
export const infoPaths = { current: '/api/v2/anon/info', legacy: '/api/info' } as const

/** What a controller says of itself. */
export interface ControllerInfo {
  /** 0 when all is well. */
  readonly errorCode: number
  readonly version?: string
  readonly omadacId?: string
}

/** `{"errorCode":-1600,"msg":"Unsupported request path."}`: this controller does not have that path. */
const unsupportedPath = -1600

/** A value of an unexpected form is left out, not an error: it is for showing and comparing only. */
const lenient = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined)

const answer = z.object({
  errorCode: z.int(),
  result: lenient(
    z.object({
      controllerVer: lenient(z.string().regex(/^[\w.+-]{1,64}$/)),
      omadacId: lenient(z.string().regex(/^[\w-]{1,64}$/)),
    }),
  ),
})

/**
 * Reads an answer of the info API: `{"errorCode":0,"result":{"omadacId","controllerVer",…}}`. Undefined when this is
 * not such an answer, or says that the path does not exist: then the other path may.
 */
export function parseInfo(body: string): ControllerInfo | undefined {
  const { data } = answer.safeParse(parseObject(body))
  if (data === undefined || data.errorCode === unsupportedPath) return undefined
  const { errorCode, result } = data
  return {
    errorCode,
    ...(result?.controllerVer === undefined ? {} : { version: result.controllerVer }),
    ...(result?.omadacId === undefined ? {} : { omadacId: result.omadacId }),
  }
}
