import type { IncomingMessage } from 'node:http'
import { type ErrorCode, errorCodes } from '../core/error-codes.ts'
import { ApplianceError, ApplianceErrors, type Fault } from '../core/errors.ts'
import { parseObject } from '../core/text.ts'
import { readBody, requestOverSocket, type SocketRequest, unreachable } from './client-request.ts'
import { splitText } from './sse-reader.ts'

/** What a user may ask of a running appliance. */
export const controlVerbs = ['pull', 'restart', 'stop', 'start', 'reload'] as const
export type ControlVerb = (typeof controlVerbs)[number]

/** Longest log line that is read, in characters. */
const maxLineLength = 1024 * 1024

/**
 * Asks the appliance to do something and waits until it is done; resolves with what it says.
 * @throws ApplianceError APPLIANCE_UNREACHABLE, or the appliance's own refusal; the signal's reason
 */
export async function sendControl(path: string, verb: ControlVerb, signal: AbortSignal): Promise<string> {
  return await post(path, `/v1/${verb}`, signal)
}

/**
 * Tells the appliance that the user has seen the problem of this code; resolves with what it says.
 * @throws like `sendControl`
 */
export async function sendAcknowledge(
  path: string,
  code: ErrorCode,
  signal: AbortSignal,
  value?: string,
): Promise<string> {
  const set = value === undefined ? '' : `&value=${encodeURIComponent(value)}`
  return await post(path, `/v1/acknowledge?code=${code}${set}`, signal)
}

async function post(path: string, url: string, signal: AbortSignal): Promise<string> {
  const request = { socket: path, method: 'POST', url, signal } as const
  const response = await requestOverSocket(request)
  if (response.statusCode !== 200) throw await refusal(response, request)
  return (await readAnswer(response, request)).message ?? ''
}

/**
 * The controller's log lines, without their ends.
 * @throws like `sendControl`; also when the appliance ends the log in the middle
 */
export async function* readLogs(
  path: string,
  options: { follow: boolean; tail: number; signal: AbortSignal },
): AsyncGenerator<string> {
  const url = `/v1/logs?follow=${options.follow ? 1 : 0}&tail=${options.tail}`
  const request = { socket: path, method: 'GET', url, signal: options.signal } as const
  const response = await requestOverSocket(request)
  if (response.statusCode !== 200) throw await refusal(response, request)
  try {
    yield* splitText(response, '\n', maxLineLength)
  } catch (error) {
    throw unreachable(path, error, options.signal)
  } finally {
    response.destroy()
  }
}

async function refusal(response: IncomingMessage, request: SocketRequest): Promise<Error> {
  const answer = await readAnswer(response, request)
  const faultOf = ({ code, message, remedy }: Partial<Fault>): Fault => ({
    code: code !== undefined && Object.hasOwn(errorCodes, code) ? code : 'COMMAND_REFUSED',
    message: message ?? `the appliance answered with HTTP status ${response.statusCode}`,
    remedy: remedy ?? '',
  })
  return answer.faults === undefined
    ? new ApplianceError(faultOf(answer))
    : new ApplianceErrors(answer.faults.map(faultOf))
}

/** What a control server answers, which may be of another version of this program: nothing is certain to be in it. */
interface Answer extends Partial<Fault> {
  readonly faults?: readonly Partial<Fault>[]
}

async function readAnswer(response: IncomingMessage, request: SocketRequest): Promise<Answer> {
  return parseObject(await readBody(response, request)) ?? {}
}
