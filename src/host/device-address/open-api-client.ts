import { withDeadline } from '../../core/deadline.ts'
import { ApplianceError, messageOf } from '../../core/errors.ts'
import { plainText } from '../../core/text.ts'
import { readSecretFile } from '../../linux/small-file.ts'
import { type HttpsRequest, requestOfController } from '../../network/https-request.ts'
import {
  type OpenApiAnswer,
  openApiHeaders,
  openApiPaths,
  parseDone,
  parseGeneral,
  parseToken,
  settingOf,
  type ToldAddresses,
} from '../../omada/open-api.ts'

/** The controller's settings of what devices and guests are told. Rejects with the signal's reason, or ApplianceError. */
export interface ControllerSettings {
  read(signal: AbortSignal): Promise<ToldAddresses>
  /** Sets what is not undefined. */
  write(addresses: ToldAddresses, signal: AbortSignal): Promise<void>
}

export interface OpenApiOptions {
  /** Where the controller is; undefined while nothing may be sent there: another machine could get the secret. */
  readonly address: string | undefined
  readonly port: number
  readonly omadacId: string
  readonly clientId: string
  readonly clientSecretFile: string
}

/** How long one request may take, in milliseconds. */
const requestMilliseconds = 10_000

/** Of what a controller says for people, in characters. */
const maxSaid = 200

/** Asks the controller's Open API, with a token of its own for each time: it is asked every ten minutes at most. */
export function openApiSettings(options: OpenApiOptions): ControllerSettings {
  const { omadacId } = options
  const path = openApiPaths.general(omadacId)
  const authorized = async (signal: AbortSignal) => openApiHeaders(await logIn(options, signal))
  return {
    read: async (signal) => {
      const request = { path, headers: await authorized(signal) }
      return granted(await ask(options, request, parseGeneral, signal))
    },
    write: async (addresses, signal) => {
      const request = { path, method: 'PATCH', headers: await authorized(signal), body: settingOf(addresses) } as const
      granted(await ask(options, request, parseDone, signal))
    },
  }
}

async function logIn(options: OpenApiOptions, signal: AbortSignal): Promise<string> {
  const { omadacId, clientId, clientSecretFile } = options
  let secret: string
  try {
    secret = (await readSecretFile(clientSecretFile)).trim()
  } catch (error) {
    throw loginFault(
      `the file ${clientSecretFile} (controller.openApi.clientSecretFile) cannot be used: ${messageOf(error)}`,
      `write the client's secret into it, and let only root read it: chown root ${clientSecretFile} && chmod 600 ${clientSecretFile}`,
    )
  }
  const body = { omadacId, client_id: clientId, client_secret: secret }
  const answer = await ask(options, { path: openApiPaths.token, method: 'POST', body }, parseToken, signal)
  if (answer.ok) return answer.result
  throw loginFault(
    `the controller refuses the client ${clientId} (controller.openApi): ${said(answer)}`,
    'compare client ID and secret with those in the controller: Global View > Settings > Platform Integration > Open API; it is tried again by itself',
  )
}

async function ask<T>(
  { address, port }: OpenApiOptions,
  request: Pick<HttpsRequest, 'path' | 'method' | 'headers' | 'body'>,
  parse: (body: string) => OpenApiAnswer<T> | undefined,
  signal: AbortSignal,
): Promise<OpenApiAnswer<T>> {
  if (address === undefined) throw failed("the bridge of the controller's network is not there")
  const answer = await requestOfController(
    { host: address, port, ...request },
    withDeadline(requestMilliseconds, signal),
  ).catch((error: unknown) => {
    signal.throwIfAborted()
    throw failed(`it does not answer: ${messageOf(error)}`)
  })
  const parsed = parse(answer.body)
  if (parsed === undefined) throw failed(`it answers with something else (HTTP ${answer.status})`)
  return parsed
}

function granted<T>(answer: OpenApiAnswer<T>): T {
  if (answer.ok) return answer.result
  throw failed(`it refuses: ${said(answer)}`)
}

function said({ errorCode, message }: { readonly errorCode: number; readonly message: string }): string {
  return `error code ${errorCode} ${plainText(message, maxSaid)}`.trimEnd()
}

function loginFault(message: string, remedy: string): ApplianceError {
  return new ApplianceError({ code: 'OPEN_API_LOGIN', message, remedy })
}

/** @param why goes on after "the controller's Open API: " */
export function failed(why: string): ApplianceError {
  return new ApplianceError({
    code: 'OPEN_API_FAILED',
    message: `which address the controller tells its devices cannot be seen or set by its Open API: ${why}`,
    remedy:
      'let the client in the controller have the role of an administrator of all sites; it is tried again by itself. Without controller.openApi it is set by hand',
  })
}
