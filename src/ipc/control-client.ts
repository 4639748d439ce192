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
  const request = { socket: path, method: 'POST', url: `/v1/${verb}`, signal } as const
  const response = await requestOverSocket(request)
  if (response.statusCode !== 200) throw await refusal(response, request)
  return textOf(parseObject(await readBody(response, request))?.message)
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
  const answer = parseObject(await readBody(response, request)) ?? {}
  if (Array.isArray(answer.faults) && answer.faults.length > 0) {
    return new ApplianceErrors(answer.faults.map((fault) => faultOf(objectOf(fault), response)))
  }
  return new ApplianceError(faultOf(answer, response))
}

function faultOf({ code, message, remedy }: Record<string, unknown>, response: IncomingMessage): Fault {
  return {
    code: isErrorCode(code) ? code : 'COMMAND_REFUSED',
    message: textOf(message) || `the appliance answered with HTTP status ${response.statusCode}`,
    remedy: textOf(remedy),
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorCodes, code)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
