import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Stands before an image registry and spoils what it answers, as the file named by the third argument says at each
 * request: `slow` lets big blobs through at some 4 MB/s, `truncate` cuts them off after 1 MB, `down` answers 503,
 * `limited` 429, and `login` lets only omada with the password a:b+/c through.
 * Arguments: own port, the registry's port, that file.
 */
const [ownPort, registryPort, modeFile = ''] = process.argv.slice(2)

const big = 1_000_000

createServer((incoming, answer) => {
  const mode = readFileSync(modeFile, 'utf8').trim()
  if (mode === 'down') {
    answer.writeHead(503).end()
    return
  }
  const { url: path, method, headers } = incoming
  if (mode === 'limited') {
    const message = 'You have reached your pull rate limit, retry-after: 90s'
    answer.writeHead(429, { 'content-type': 'application/json' })
    answer.end(JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message }] }))
    return
  }
  if (mode === 'login' && headers.authorization !== `Basic ${Buffer.from('omada:a:b+/c').toString('base64')}`) {
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end()
    return
  }
  const onward = request({ host: '127.0.0.1', port: registryPort, path, method, headers }, async (upstream) => {
    answer.writeHead(upstream.statusCode ?? 500, upstream.headers)
    const spoil = method === 'GET' && Number(upstream.headers['content-length']) > big
    let sent = 0
    try {
      for await (const chunk of upstream) {
        sent += (chunk as Buffer).length
        if (spoil && mode === 'truncate' && sent > big) {
          answer.destroy()
          return
        }
        if (!answer.write(chunk)) await delay(1)
        if (spoil && mode === 'slow') await delay(15)
      }
      answer.end()
    } catch {
      answer.destroy()
    }
  })
  onward.on('error', () => answer.destroy())
  answer.on('error', () => onward.destroy())
  incoming.pipe(onward)
}).listen(Number(ownPort), '127.0.0.1', () => console.log('listening'))
