import { createServer } from 'node:http'

/**
 * A registry that refuses each image for the reason that its name begins with. Arguments: its address and port.
 * Error codes: docs.docker.com/reference/api/registry, and Docker Hub for its limit.
 */
const [, , address = '127.0.0.1', port = '5001'] = process.argv

const error = (code: string, message: string) => JSON.stringify({ errors: [{ code, message }] })

createServer((request, response) => {
  const path = request.url ?? ''
  const answer = (status: number, headers: Record<string, string>, body = '') =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  if (path === '/v2/') answer(200, {}, '{}')
  else if (path.startsWith('/v2/limited/')) {
    answer(
      429,
      { 'retry-after': '90' },
      error('TOOMANYREQUESTS', 'You have reached your pull rate limit, retry-after: 90s'),
    )
  } else if (path.startsWith('/v2/private/')) {
    answer(401, { 'www-authenticate': 'Basic realm="registry"' }, error('UNAUTHORIZED', 'authentication required'))
  } else if (path.startsWith('/v2/ill/')) answer(500, {}, error('UNKNOWN', 'the disk is full'))
  else answer(404, {}, error('MANIFEST_UNKNOWN', 'manifest unknown'))
}).listen(Number(port), address, () => console.log('listens'))
