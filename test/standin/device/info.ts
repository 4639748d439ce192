import { request } from 'node:https'
import { fieldsOf } from '../protocol/messages.ts'

const deadlineMilliseconds = 5000
const maxBytes = 65_536

/**
 * The controller's id, from `GET /api/info`, whatever its certificate.
 * @throws Error when it does not answer in time, or something else answers
 */
export function fetchOmadacId(host: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(deadlineMilliseconds)])
    const asked = request(
      { host, port, path: '/api/info', rejectUnauthorized: false, signal: deadline },
      (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          size += chunk.length
          if (size > maxBytes) asked.destroy(new Error('the answer is too long'))
        })
        response.on('error', reject)
        response.on('end', () => {
          try {
            const { omadacId } = fieldsOf(fieldsOf(JSON.parse(Buffer.concat(chunks).toString('utf8'))).result)
            if (typeof omadacId !== 'string') throw new Error(`no omadacId in the answer (${response.statusCode})`)
            resolve(omadacId)
          } catch (error) {
            reject(error)
          }
        })
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}
