// Names the packages of the lock file that are made for this machine and are not in node_modules, and then exits with 1.
//
// npm takes an optional package whose download broke off as one that is not wanted, and says nothing; the native parts of
// the tools and of Node.js itself are such packages. Plain CommonJS, as it runs on whatever Node npm runs on. Usage:
// node missing-parts.cjs DIRECTORY
const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

const [directory] = process.argv.slice(2)
const { packages } = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'))
const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'

/** Whether what the lock file says, such as ["linux"], "linux" or ["!win32"], has this value; saying nothing has all. */
function takes(said, value) {
  const list = said === undefined ? [] : [said].flat()
  if (list.includes(value)) return true
  return list.every((one) => one.startsWith('!')) && !list.includes(`!${value}`)
}

// npm leaves out what asks for a newer Node than it runs on. All that is made for Node 22 or later runs on the project's own.
const [major] = process.versions.node.split('.').map(Number)
const missing = Object.entries(packages)
  .filter(([, { optional, os, cpu }]) => optional === true && (os ?? cpu) !== undefined)
  .filter(([, { os, cpu }]) => takes(os, process.platform) && takes(cpu, process.arch))
  .filter(([, { libc: wanted }]) => takes(wanted, libc))
  .filter(([, { engines }]) => major >= 22 || engines === undefined)
  .map(([path]) => path)
  .filter((path) => !existsSync(join(directory, path, 'package.json')))

for (const path of missing) console.error(`npm left out ${path.replace('node_modules/', '')}`)
process.exitCode = missing.length === 0 ? 0 : 1
